"""Requests through our gate, fields and rules, without a wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from revproxy.app.ftw.inprocess import InProcess, framed, in_process, linked_of
from revproxy.app.ftw.model import Input
from revproxy.app.unconfigured import offline_settings
from revproxy.errors import RuleError
from revproxy.model import Phase, Transaction

HEAD = b"HTTP/1.1\r\nHost: a\r\n"
HOSTILE = b"GET /?q=attack-1 " + HEAD + b"\r\n"


@pytest.fixture
def ours(signatures: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with in_process([signatures], "", offline_settings()) as made:
        yield made


def test_rules_that_fired(ours: InProcess) -> None:
    seen = ours.observe(HOSTILE, Input())
    assert (seen.rules, seen.status, seen.refused) == (("one",), 200, False)
    assert b'[id "one"] [msg "an attack"] [severity ' in seen.lines[0]
    assert ours.run(b"GET / " + HEAD + b"\r\n").rules == ()


def test_the_gate(ours: InProcess) -> None:
    seen = ours.run(b"GET / HTTP/1.1\r\n\r\n")
    assert (seen.status, seen.refused, seen.rules) == (400, True, ())


def test_the_answer(ours: InProcess) -> None:
    asked = b'{"status": 302, "body": "x"}'
    seen = ours.run(b"POST /reflect " + HEAD + b"Content-Length: 28\r\n\r\n" + asked)
    assert (seen.status, seen.answer.body) == (302, b"x")


def test_a_failure_is_no_silence(ours: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(tx: Transaction, first: Phase, last: Phase, size: int) -> None:
        raise ArithmeticError

    monkeypatch.setattr(ours._inspection.inspectors[0], "inspect", broken)
    assert ours.run(HOSTILE).error == "inspection-failed"


def test_what_no_head_announces_is_no_body() -> None:
    assert framed(b"POST / " + HEAD + b"\r\nbody") == b"POST / " + HEAD + b"\r\n"
    for field in (b"content-length: 4\r\n", b"Transfer-Encoding: chunked\r\n"):
        whole = b"POST / " + HEAD + field + b"\r\nbody"
        assert framed(whole) == whole
    assert framed(b"nothing") == b"nothing"


def test_seclang_has_what_stands_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "a.conf").write_text(
        "SecRule ARGS \"@rx evil\" \"id:7,phase:2,deny,log,msg:'of the file',logdata:'%{MATCHED_VAR_NAME}',chain\"\n"
        'SecRule TX:asked "@eq 1" "t:none"\n'
    )
    before = 'SecRuleEngine DetectionOnly\nSecAction "id:6,phase:1,pass,nolog,setvar:tx.asked=1"\n'
    with in_process([str(tmp_path / "a.conf")], before, offline_settings()) as ours:
        seen = ours.run(b"GET /?q=evil " + HEAD + b"\r\n")
        assert (seen.rules, seen.status) == (("7",), 200)
        assert b'[id "7"] [msg "of the file"] [data "TX:asked"]' in seen.lines[0]


def test_errors_of_rules_are_located(tmp_path: Path) -> None:
    (tmp_path / "rules.conf").write_text("SecNonsense On\n")
    for path in (tmp_path, tmp_path / "rules.conf"):
        with pytest.raises(RuleError, match=r"rules\.conf:1:1"):
            linked_of([str(path)], "", offline_settings())
