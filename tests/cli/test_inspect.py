"""`revproxy inspect`, through its command line: a JSON line each, and the exit codes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from revproxy.cli import cli

CLEAN = b"GET /?q=tea HTTP/1.1\r\nHost: a.example\r\n\r\n"
HOSTILE = b"GET /?q=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1\r\nHost: a.example\r\n\r\n"
BROKEN = b"GET / HTTP/1.1\r\n\r\n"
MESSAGE = b"From: a@example.net\r\nTo: b@example.org\r\nSubject: lunch\r\n\r\nSee you at noon.\r\n"
SIGNATURES = """
signatures:
  - id: test-query
    name: a query
    why: a test needs one
    references: [CWE-89]
    protocols: [http]
    fields: [args]
    match:
      any:
        - contains: UNION SELECT
    severity: critical
    samples:
      match:
        - args: {q: "1 UNION SELECT 2"}
      pass:
        - args: {q: "tea"}
  - id: test-attachment
    name: an attachment
    why: a test needs one
    references: [CWE-434]
    protocols: [smtp]
    fields: [files]
    match:
      any:
        - endsWith: .exe
    severity: critical
    samples:
      match:
        - files: {"x": "a.exe"}
      pass:
        - files: {"x": "a.txt"}
"""


@pytest.fixture(autouse=True)
def signatures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two signatures instead of all, which have tests of their own."""
    file = tmp_path / "signatures.yaml"
    file.write_text(SIGNATURES)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("revproxy.app.unconfigured.shipped_signatures", lambda: file)
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["inspect", *map(str, arguments)])


def lines(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def record(name: object, raw: bytes, **more: object) -> bytes:
    return json.dumps({"id": name, "raw_b64": base64.b64encode(raw).decode(), **more}).encode() + b"\n"


def write(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


def test_files(tmp_path: Path) -> None:
    files = [write(tmp_path, "clean", CLEAN), write(tmp_path, "hostile", HOSTILE), write(tmp_path, "broken", BROKEN)]
    done = run("http", *files)
    assert done.exit_code == 1
    got = lines(done)
    assert [line["id"] for line in got] == [str(file) for file in files]
    assert [(line["verdict"], line["status"]) for line in got] == [("allow", None), ("deny", 403), ("reject", 400)]
    assert got[1]["rules"] == ["test-query"]
    assert all(set(line) == {"id", "verdict", "status", "score", "rules", "micros"} for line in got)
    done = run("http", files[0])
    assert (done.exit_code, len(lines(done)), done.stderr) == (0, 1, "")


def test_detect_has_no_status(tmp_path: Path) -> None:
    done = run("http", "--detect", write(tmp_path, "hostile", HOSTILE))
    [got] = lines(done)
    assert (got["verdict"], got["status"], done.exit_code) == ("deny", None, 1)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_recorded_traffic(tmp_path: Path, name: str) -> None:
    done = run("http", "--jsonl", write(tmp_path, name, record(1, CLEAN) + b"\n" + record("two", HOSTILE)))
    assert [(line["id"], line["verdict"]) for line in lines(done)] == [("1", "allow"), ("two", "deny")]
    assert done.exit_code == 1


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b'{"id": 1}',
        b'{"id": 1, "raw_b64": "!"}',
        b'{"id": 1, "raw_b64": "", "envelope": "a"}',
        b'{"id": 1, "raw_b64": "", "envelope": {"rcpt": "a@b"}}',
        b'{"id": 1, "raw_b64": "", "envelope": {"from": 5}}',
        b"[" * 100_000,
    ],
    ids=lambda bad: bad[:60].decode(),
)
def test_a_bad_line_is_located(tmp_path: Path, bad: bytes) -> None:
    file = write(tmp_path, "a.jsonl", record(1, CLEAN) + bad + b"\n" + record(3, CLEAN))
    done = run("http", "--jsonl", file)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{file}:2: not a record with id and raw_b64: ")
    assert [line["id"] for line in lines(done)] == ["1"]


def test_a_broken_archive(tmp_path: Path) -> None:
    file = write(tmp_path, "a.jsonl.gz", record(1, CLEAN) * 100)
    data = bytearray(file.read_bytes())
    data[20:30] = b"\xff" * 10
    file.write_bytes(bytes(data))
    done = run("http", "--jsonl", file)
    assert done.exit_code == 2
    assert f"{file}: cannot be read" in done.stderr


def test_mail_and_its_envelope(tmp_path: Path) -> None:
    file = write(tmp_path, "m.eml", MESSAGE)
    done = run("mail", file, "--from", "a@example.net", "--rcpt", "b@example.org", "--rcpt", "c@example.org")
    assert done.exit_code == 0
    [got] = lines(done)
    assert (got["id"], got["verdict"], got["status"]) == (str(file), "allow", None)


def test_options_of_the_envelope_reach_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def inspect(kind: str, items: Any, settings: object, enforces: bool, *_: object) -> list[dict[str, Any]]:
        seen.extend((kind, item.envelope, enforces) for item in items)
        return []

    monkeypatch.setattr("revproxy.app.offline.inspect", inspect)
    file = write(tmp_path, "m.eml", MESSAGE)
    options = ("--client", "203.0.113.9", "--helo", "out", "--from", "a@b", "--rcpt", "c@d", "--rcpt", "e@f")
    assert run("mail", file, *options).exit_code == 0
    assert run("mail", file, "--detect").exit_code == 0
    told = {"client": "203.0.113.9", "helo": "out", "from": "a@b", "rcpt": ["c@d", "e@f"]}
    usual = {"client": "192.0.2.1", "helo": "", "from": "", "rcpt": []}
    assert seen == [("mail", told, True), ("mail", usual, False)]


def test_a_hostile_message(tmp_path: Path) -> None:
    attachment = b"MZ" + b"\0" * 62
    raw = (
        b"From: a@example.net\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
        b'Content-Disposition: attachment; filename="invoice.pdf.exe"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(attachment)
    )
    done = run("mail", "--jsonl", write(tmp_path, "a.jsonl", record("m", raw, envelope={"rcpt": ["b@example.org"]})))
    [got] = lines(done)
    assert (got["verdict"], got["status"], done.exit_code) == ("deny", 550, 1)
    assert got["rules"] == ["test-attachment"]


def test_standard_input() -> None:
    done = CliRunner().invoke(cli, ["inspect", "http", "-"], input=HOSTILE)
    assert done.exit_code == 1
    [got] = lines(done)
    assert (got["id"], got["verdict"]) == ("-", "deny")


def test_signatures_of_a_configuration(tmp_path: Path, signatures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revproxy.app.unconfigured.shipped_signatures", lambda: "nowhere")
    folder = tmp_path / "etc"
    assert CliRunner().invoke(cli, ["init", str(folder)]).exit_code == 0
    named = [one for one in (folder / "revproxy.yaml").read_text().splitlines() if "signatures:" in one]
    text = (folder / "revproxy.yaml").read_text().replace(named[0], f"  signatures: [{signatures}]")
    (folder / "revproxy.yaml").write_text(text)
    done = run("http", "-c", folder / "revproxy.yaml", write(tmp_path, "hostile", HOSTILE))
    assert done.exit_code == 1, done.output
    assert lines(done)[0]["rules"] == ["test-query"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Missing argument"),
        (("ftp", "a"), "'ftp' is not one of"),
        (("http",), "name files or --jsonl"),
        (("http", "a", "--jsonl", "b"), "name files or --jsonl"),
        (("http", "--rules", "/nonexistent/crs", "a"), "/nonexistent/crs cannot be read"),
        (("http", "--paranoia", "5", "a"), "not in the range"),
        (("http", "/nonexistent/file"), "/nonexistent/file: cannot be read"),
        (("http", "/"), "/: cannot be read"),
        (("http", "--jsonl", "/nonexistent/file"), "/nonexistent/file: cannot be read"),
        (("http", "-c", "/nonexistent/revproxy.yaml", "a"), "/nonexistent/revproxy.yaml"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], text: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert text in done.stderr
    assert "Traceback" not in done.output


def test_help() -> None:
    said = run("--help").stdout
    assert "revproxy inspect http --jsonl" in said
    assert "Exit codes: 0 everything would pass, 1 something would be refused, 2 " in said
    assert "--rules coreruleset" in said


def test_seclang_rules(tmp_path: Path) -> None:
    rules = tmp_path / "mine.conf"
    rules.write_text('SecRule ARGS "@rx attack" "id:100,phase:2,deny,status:418,msg:\'found %{MATCHED_VAR}\'"\n')
    request = tmp_path / "request"
    request.write_bytes(b"GET /?q=an+attack HTTP/1.1\r\nHost: a.example\r\n\r\n")
    (line,) = map(json.loads, run("http", "--rules", str(rules), str(request)).stdout.splitlines())
    assert (line["verdict"], line["status"], line["rules"]) == ("deny", 418, ["100"])
    rules.write_text('SecRule ARGS "@rx (attack" "id:100,phase:2,deny"\n')
    wrong = run("http", "--rules", str(rules), str(request))
    assert wrong.exit_code == 2
    assert f"{rules}:1:" in wrong.stderr
    assert "^" in wrong.stderr


def test_explain(tmp_path: Path) -> None:
    files = [write(tmp_path, "clean", CLEAN), write(tmp_path, "hostile", HOSTILE)]
    done = run("http", "--explain", *files)
    assert done.exit_code == 1
    assert f"{files[0]}: allow, score 0\n  no rule matched\n  verdict: passes" in done.stdout
    assert f"{files[1]}: deny, status 403, score 5\n" in done.stdout
    assert "test-query: a query" in done.stdout
    assert "args:q: " in done.stdout


def configurations(folder: Path, signatures: Path) -> tuple[Path, Path]:
    """One as it is, one with an exclusion more."""
    text = (
        "listeners: [{name: web, kind: http, bind: '127.0.0.1:0'}]\n"
        f"upstreams: {{app: '127.0.0.1:1'}}\ninspection: {{signatures: [{signatures}]%s}}\ncache: {folder}/cache\n"
    )
    new = ", exclusions: [{rules: [test-query], fields: ['args:q']}]"
    return write(folder, "old.yaml", (text % "").encode()), write(folder, "new.yaml", (text % new).encode())


def test_against_another_configuration(tmp_path: Path, signatures: Path) -> None:
    old, new = configurations(tmp_path, signatures)
    file = write(tmp_path, "a.jsonl", record("clean", CLEAN) + record("hostile", HOSTILE))
    done = run("http", "-c", old, "--against", new, "--jsonl", file)
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        [
            "hostile: no longer denied: deny 403, score 5 -> allow, score 0 -test-query",
            "2 inspected: 0 newly denied, 1 no longer denied, 0 decided otherwise",
            "  test-query: matches 0 more, 1 no longer",
        ],
    )
    done = run("http", "-c", new, "--against", old, "--jsonl", file, "--json")
    line, last = lines(done)
    assert (done.exit_code, line["id"], line["change"]) == (1, "hostile", "newly_denied")
    assert last["summary"]["rules"] == {"test-query": {"new": 1, "gone": 0}}
    assert run("http", "-c", new, "--against", new, "--jsonl", file).exit_code == 0


def test_against_tells_what_came_before_a_bad_line(tmp_path: Path, signatures: Path) -> None:
    old, new = configurations(tmp_path, signatures)
    file = write(tmp_path, "a.jsonl", record("hostile", HOSTILE) + b"bad\n")
    done = run("http", "-c", old, "--against", new, "--jsonl", file)
    assert done.exit_code == 2
    assert "1 inspected: 0 newly denied, 1 no longer denied" in done.stdout
    assert done.stderr.startswith(f"{file}:2: ")


@pytest.mark.parametrize("options", [["--json"], ["--against", "x", "--explain"], ["--against", "gone.yaml"]])
def test_against_used_wrongly(tmp_path: Path, options: list[str]) -> None:
    assert run("http", write(tmp_path, "clean", CLEAN), *options).exit_code == 2
