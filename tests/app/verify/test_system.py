"""Files, programs, processes, the kernel: where nothing refuses it, that is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from revproxy.app.verify import system
from revproxy.app.verify.attempt import Attempt, Ground, Outcome, made


def named(ground: Ground, what: str) -> Attempt:
    return next(one for one in (*system.attempts(ground), *system.last()) if one.what == what)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "what", ["reading /etc/passwd", "a new file in /tmp", "listing /", "a file in memory (memfd_create)"]
)
def test_what_is_possible_here_is_seen(ground: Ground, what: str) -> None:
    before = len(os.listdir("/tmp"))
    row = made(named(ground, what))
    assert row.outcome is Outcome.POSSIBLE
    assert abs(len(os.listdir("/tmp")) - before) < 5, "nothing of ours is left there"


def test_a_file_in_the_spool_is_wanted(ground: Ground) -> None:
    assert made(named(ground, "a file in the spool")).outcome is Outcome.WORKS


def test_a_link_is_taken_away_again(ground: Ground, tmp_path: Path) -> None:
    assert made(named(ground, "a link out of the spool")).outcome is Outcome.POSSIBLE
    assert not (tmp_path / "link").is_symlink()


def test_no_two_have_the_same_name_and_exec_is_the_last(ground: Ground) -> None:
    names = [one.what for one in (*system.attempts(ground), *system.last())]
    assert len(set(names)) == len(names) > 30
    assert names[-1] == "exec"
