"""`run` and its workers: from a file to what the supervisor needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from revproxy.app import service
from revproxy.errors import LocatedError, ManyErrors
from revproxy.runtime import Plan
from revproxy.runtime.sandbox import lacking

CONFIG = """\
listeners:
  - {name: web, kind: http, bind: "127.0.0.1:0"}
upstreams:
  inside: 127.0.0.1:1
routes:
  - {path: /, upstream: inside}
inspection:
  signatures: [signatures.yaml]
control: {path: control.sock}
spool: spool
cache: cache
"""


@pytest.fixture
def file(tmp_path: Path, signatures: str) -> str:
    assert signatures.startswith(str(tmp_path))
    (tmp_path / "revproxy.yaml").write_text(CONFIG)
    return str(tmp_path / "revproxy.yaml")


def test_prepare(file: str, tmp_path: Path) -> None:
    prepared = service.prepare_file(file)
    assert [rule.id for rule in prepared.rules.rules] == ["one"]
    assert prepared.settings.spool == str(tmp_path / "spool")
    assert service.control_path(file) == str(tmp_path / "control.sock")


def test_a_wrong_file_is_said_before_anything_is_bound(file: str) -> None:
    Path(file).write_text(CONFIG + "nonsense: 1\n")
    for call in (service.prepare_file, service.control_path):
        with pytest.raises((LocatedError, ManyErrors), match=r"revproxy\.yaml:12"):
            call(file)


def test_run_supervises_what_it_prepared(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = []

    def supervise(plan: object) -> int:
        plans.append(plan)
        return 7

    monkeypatch.setattr(service, "supervise", supervise)
    assert service.run(file, print) == 7
    [plan] = plans
    assert (plan.worker, plan.file) == (service.WORKER, file)
    assert plan.prepare().ruleset_name == service.prepare_file(file).ruleset_name


def test_what_is_executed_is_what_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "revproxy"
    script.touch(0o755)
    monkeypatch.chdir(tmp_path)
    plans: list[Plan] = []
    monkeypatch.setattr(service, "supervise", lambda plan: plans.append(plan) or 0)
    for started in (str(script), "revproxy", str(tmp_path / "package" / "__main__.py")):
        monkeypatch.setattr(sys, "argv", [started, "run"])
        assert service.run("revproxy.yaml", str) == 0
    file = str(tmp_path / "revproxy.yaml")
    alone = (sys.executable, "-P", "-m", "revproxy")
    assert [plan.program for plan in plans] == [(*one, "run", "-c", file) for one in ((str(script),),) * 2 + (alone,)]
    assert plans[0].proof == (str(script), "check", "--start", "-c", file)


def test_a_start_for_show(file: str) -> None:
    assert service.try_start(service.prepare_file(file), file) == lacking()
