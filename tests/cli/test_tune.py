"""`revproxy signatures tune`, through its command line: text that is a patch, JSON, exit codes, bad input."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from revproxy.audit import encode_finding, frame_of
from revproxy.cli import cli
from revproxy.model import Action, Finding, Phase, Severity, Verdict

NOW = datetime.now(UTC)
CONFIG = """\
listeners: [{name: web, kind: http, bind: "127.0.0.1:0"}]
upstreams: {app: "127.0.0.1:1"}
routes:
  - {name: shop, upstream: app}
"""


def record(number: int, client: str, hours: float, key: str = "q", password: str = "") -> bytes:
    """Denied by a shipped signature, so many hours ago."""
    return encode_finding(
        Finding("sql-union-select", Phase.BODY, Severity.CRITICAL, 5, "SQL", "args", key.encode(), b"union select"),
        frame_of(
            id=f"T{number}",
            ts=(NOW - timedelta(hours=hours)).timestamp(),
            route="shop",
            verdict=Verdict(Action.DENY, 5, "score"),
            ruleset="r",
            client=client,
            method=b"GET",
            host=b"shop.example",
            target=b"/search?q=union+select&password=" + password.encode(),
        ),
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration where it is looked for, and a log beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "revproxy.yaml").write_text(CONFIG)
    many = [record(n, f"198.51.{n}.1", n, password="hunter2") for n in range(6)]
    attack = [record(100 + n, "203.0.113.66", 0, "cmd") for n in range(50)]
    (tmp_path / "audit.jsonl").write_bytes(b"".join(line + b"\n" for line in (*many, *attack)))
    return tmp_path


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["signatures", "tune", *map(str, arguments)], input=stdin)


def proposals(done: Result) -> dict[str, dict[str, Any]]:
    return {one["field"]: one for one in json.loads(done.stdout)["proposals"]}


def test_text_and_patch(place: Path) -> None:
    done = run("audit.jsonl")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "in the patch: route shop below /search, args:q" in done.stdout
    assert "DOUBT: one client, a short time" in done.stdout
    assert "hunter2" not in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("+  ")] == [
        '+  - {name: shop, upstream: app, exclusions: [{rules: [sql-union-select], fields: ["args:q"], '
        'path: /search, reason: "tuned: 6 requests, 6 clients, 5 hours"}]}'
    ]


def test_json_standard_input_and_the_choice_of_a_proposal(place: Path) -> None:
    log = (place / "audit.jsonl").read_bytes()
    found = proposals(run("--json", "-", stdin=log))
    assert {name: one["in_patch"] for name, one in found.items()} == {"args:q": True, "args:cmd": False}
    named = proposals(run("--json", "--id", found["args:cmd"]["id"], "-", stdin=log))
    assert {name: one["in_patch"] for name, one in named.items()} == {"args:q": False, "args:cmd": True}


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (["--min", "7"], {"args:cmd": ["one client", "a short time"]}),
        (["--min", "51"], {}),
        (["--clients", "7"], {"args:q": ["few clients"], "args:cmd": ["one client", "a short time"]}),
        (["--span", "6h"], {"args:q": ["a short time"], "args:cmd": ["one client", "a short time"]}),
        (["--span", "0s", "--clients", "1"], {"args:q": [], "args:cmd": []}),
        (["--since", "150m", "--min", "3"], {"args:q": [], "args:cmd": ["one client", "a short time"]}),
        (["--since", "2999-01-01"], {}),
        (["--since", "2020-01-01T00:00:00Z"], {"args:q": [], "args:cmd": ["one client", "a short time"]}),
    ],
)
def test_options(place: Path, options: list[str], fields: dict[str, list[str]]) -> None:
    found = proposals(run("--json", "audit.jsonl", *options))
    assert {name: one["marks"] for name, one in found.items()} == fields


def test_what_cannot_be_read_is_named_counted_and_no_end(place: Path) -> None:
    with (place / "audit.jsonl").open("ab") as file:
        file.write(b"nothing\n" + b"x" * 200_000 + b'\n{"type":"finding","version":9}\n')
    (place / "cut.gz").write_bytes(b"no archive")
    done = run("audit.jsonl", "cut.gz")
    assert done.exit_code == 1
    assert "in the patch: route shop" in done.stdout
    told = done.stderr.splitlines()
    assert told[:3] == [
        "audit.jsonl:57: not a record: no JSON",
        "audit.jsonl:58: a line of more than 65536 bytes",
        "audit.jsonl:59: a record of a newer version",
    ]
    assert told[3].startswith("cut.gz: cannot be read")
    assert "1 times: a record of a newer version" in told


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--since", "soon", "audit.jsonl"],
        ["--span", "long", "audit.jsonl"],
        ["--min", "0", "audit.jsonl"],
        ["--id", "00000000", "audit.jsonl"],
        ["-c", "gone.yaml", "audit.jsonl"],
        ["."],
    ],
)
def test_wrong_use(place: Path, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_log_that_is_not_there(place: Path) -> None:
    done = run("audit.jsonl", "gone.jsonl")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "'gone.jsonl' does not exist" in done.stderr
