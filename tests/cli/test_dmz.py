"""`dmz verify`: arguments, the table, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from revproxy.app.verify import run
from revproxy.app.verify.attempt import Outcome, Row
from revproxy.app.verify.run import Report
from revproxy.cli import cli

CONFIG = """
listeners: [{name: web, kind: http, bind: "127.0.0.1:0"}]
upstreams: {web: "127.0.0.1:9"}
routes: [{path: /, upstream: web}]
"""
GOOD = Report((Row("network", "TCP", Outcome.REFUSED, "EPERM"), Row("files", "a file", Outcome.WORKS)), ())
BAD = Report((*GOOD.rows, Row("processes", "exec", Outcome.POSSIBLE, "the probe ended")), ("Landlock",))


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`invoke(report, *arguments)`: the result, with what `verify` was asked in `asked`."""
    (tmp_path / "revproxy.yaml").write_text(CONFIG)

    def start(report: Report, *arguments: str) -> Any:
        asked: list[Any] = []

        def verify(settings: Any, file: str, more: Any, blame: Any) -> Report:
            asked.extend((settings, file, tuple(more)))
            return report

        monkeypatch.setattr(run, "verify", verify)
        done = CliRunner().invoke(cli, ["dmz", "verify", "-c", str(tmp_path / "revproxy.yaml"), *arguments])
        done.asked = asked
        return done

    return start


def test_nothing_is_possible(invoke: Any, tmp_path: Path) -> None:
    done = invoke(GOOD, "--to", "10.0.0.1:5432", "--to", "[2001:db8::1]:22")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "network    TCP     refused (EPERM)",
        "files      a file  works",
        "1 refused, 1 works",
    ]
    assert done.asked[1:] == [str(tmp_path / "revproxy.yaml"), (("10.0.0.1", 5432), ("2001:db8::1", 22))]


def test_something_is(invoke: Any) -> None:
    done = invoke(BAD)
    assert done.exit_code == 1
    assert "processes  exec    POSSIBLE (the probe ended)" in done.output
    assert "missing on this machine: Landlock" in done.output
    assert done.output.splitlines()[-1] == "1 refused, 1 POSSIBLE, 1 works"


def test_as_json(invoke: Any) -> None:
    told = json.loads(invoke(BAD, "--json").output)
    assert (told["good"], told["missing"]) == (False, ["Landlock"])
    assert told["rows"][0] == {"group": "network", "what": "TCP", "outcome": "refused", "why": "EPERM"}


def test_what_is_no_address(invoke: Any) -> None:
    assert invoke(GOOD, "--to", "nonsense").exit_code == 2
