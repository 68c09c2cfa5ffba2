"""The whole of it, and what is made of what a probe says."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from revproxy.app.verify import run
from revproxy.app.verify.attempt import Outcome
from revproxy.app.verify.run import INTERNET, private_of, report_of, strangers_of, verify
from revproxy.config import Settings
from revproxy.config.settings import Certificate, ListenerTls, Log, Logs
from revproxy.errors import ConfigError, RevproxyError
from revproxy.runtime.sandbox import lacking
from tests.alone import ALONE


@pytest.mark.skipif(bool(lacking()), reason="; ".join(lacking()))
def test_nothing_is_possible(settings: Settings, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    report = verify(settings, str(tmp_path / "revproxy.yaml"), [("127.0.0.3", 5432)])
    assert [row for row in report.rows if not row.good and row.group != "broker"] == []
    assert report.good
    assert report.missing == ()
    assert {"network", "broker", "files", "processes", "kernel"} == {row.group for row in report.rows}
    refused = {row.what for row in report.rows if row.outcome is Outcome.REFUSED}
    assert {"TCP to 127.0.0.3 port 5432", "exec", "ptrace of the supervisor", "io_uring", "raw socket"} < refused
    assert {row.what: row.outcome for row in report.rows}["a file in the spool"] is Outcome.WORKS


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, for whom all is possible")
def test_without_a_sandbox_that_is_seen(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its attempts are really made.
    monkeypatch.setattr(run, "PROBE", (*ALONE, *run.PROBE))
    report = verify(replace(settings, sandbox=False), str(tmp_path / "revproxy.yaml"))
    assert not report.good
    assert report.missing
    possible = {row.what for row in report.rows if row.outcome is Outcome.POSSIBLE}
    assert {"exec", "ptrace of the supervisor", "UDP to 127.0.0.1 port 22", "reading /etc/passwd"} < possible


@pytest.mark.parametrize("there", [True, False])
def test_nothing_on_disk_is_changed(settings: Settings, tmp_path: Path, there: bool) -> None:
    """Root's own spool is given to the workers by the start, and one that is not there is made by it; not by this."""
    tmp_path.chmod(0o755)
    if there:
        (tmp_path / "spool").mkdir(mode=0o700)
    before = seen(tmp_path)
    report = verify(settings, str(tmp_path / "revproxy.yaml"))
    assert {row.what: row.outcome for row in report.rows}["a file in the spool"] is Outcome.WORKS
    assert seen(tmp_path) == before


def seen(folder: Path) -> set[tuple[str, int, int]]:
    found = ((path, path.stat()) for path in folder.rglob("*"))
    return {(str(path), stat.st_uid, stat.st_mode) for path, stat in found}


def test_a_spool_that_workers_cannot_have(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o555)
    with pytest.raises(ConfigError, match="the spool folder cannot be written"):
        verify(replace(settings, sandbox=True), str(tmp_path / "revproxy.yaml"))


def test_no_place_for_another_spool(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nothing"))
    with pytest.raises(RevproxyError, match="there is no place for the probe's spool: "):
        verify(settings, str(tmp_path / "revproxy.yaml"))


def test_the_brokers_own_words_are_not_heard(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is sent what is no request, on purpose."""
    verify(settings, str(tmp_path / "revproxy.yaml"))
    assert capfd.readouterr().err == ""


def test_a_probe_that_cannot_be_started(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PROBE", (str(tmp_path / "nothing"),))
    with pytest.raises(RevproxyError, match="the probe cannot be started: "):
        verify(settings, str(tmp_path / "revproxy.yaml"))


def test_who_is_a_stranger(settings: Settings) -> None:
    found = strangers_of(settings, [("10.0.0.1", 5432), ("127.0.0.1", 9)])
    assert found == (INTERNET, ("127.0.0.1", 22), ("127.0.0.2", 9), ("10.0.0.1", 5432))


def test_what_is_private(settings: Settings) -> None:
    tls = ListenerTls((Certificate("/tls/a.pem", "/tls/a.key"),))
    more = replace(
        settings, listeners=(replace(settings.listeners[0], tls=tls),), logs=Logs(Log("file:/log/a"), Log("none"))
    )
    assert private_of(more, "/r.yaml")[:4] == ("/tls/a.key", "/tls/a.pem", "/r.yaml", "/log/a")


def line(**message: object) -> str:
    return json.dumps(message)


ROW = {"group": "network", "what": "TCP", "outcome": "refused", "why": "EPERM"}


def test_a_probe_that_ends_in_an_attempt_has_shown_that_it_is_possible() -> None:
    begun = [line(missing=["Landlock"]), line(begins=["network", "TCP"]), line(row=ROW)]
    assert report_of([*begun, line(ends=True)]).good
    report = report_of([*begun, line(begins=["processes", "exec"])])
    assert not report.good
    assert report.missing == ("Landlock",)
    assert (report.rows[-1].what, report.rows[-1].outcome) == ("exec", Outcome.POSSIBLE)


def test_an_upstream_that_is_away_is_nobodys_fault() -> None:
    row = {"group": "broker", "what": "upstream web", "outcome": "does not work", "why": "ECONNREFUSED"}
    assert report_of([line(missing=[]), line(row=row)]).good
    assert not report_of([line(missing=[]), line(row={**row, "group": "files"})]).good


@pytest.mark.parametrize("lines", [[], [line(failed="no spool")]])
def test_one_that_was_never_locked_in(lines: list[str]) -> None:
    with pytest.raises(RevproxyError, match=r"probe|spool"):
        report_of(lines)
