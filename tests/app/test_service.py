"""`run` and its workers: from a file to what the supervisor needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from revproxy.app import service
from revproxy.errors import LocatedError, ManyErrors

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
