"""What a person sees while rules are compiled."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from revproxy.cli import progress
from revproxy.cli.progress import Compiling

_SCRIPT = """
from revproxy.cli.progress import Compiling
with Compiling() as told:
    told(0, 3)
    told(2, 3)
    told(3, 3)
print("done")
"""


class Timer:
    """Goes off when a test says so."""

    def __init__(self, seconds, call):
        self.call = call

    def start(self):
        pass

    def cancel(self):
        self.call = None


@pytest.fixture
def clock(monkeypatch):
    """`clock(7)`: seven seconds later, and the first line is due."""
    now, timers = [100.0], []

    def timer(*arguments):
        timers.append(Timer(*arguments))
        return timers[-1]

    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress.threading, "Timer", timer)

    def later(seconds):
        now[0] += seconds
        for one in [one for one in timers if one.call is not None]:
            one.call()
            one.cancel()

    return later


def test_lines_now_and_then(clock, capsys):
    with Compiling() as told:
        told(0, 40)
        told(1, 40)
        clock(1)
        told(2, 40)
        clock(5)
        told(7, 40)
        told(8, 40)
        clock(2)
        told(40, 40)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "compiling rules, which is done once: 1 of 40 databases",
        "compiling rules: 7 of 40",
        "rules are compiled, after 8 s",
    ]


def test_what_is_done_at_once_is_not_worth_a_word(clock, capsys):
    with Compiling() as told:
        told(0, 2)
        told(2, 2)
        clock(5)
    assert capsys.readouterr().err == ""


def test_nothing_is_said_where_nothing_is_compiled(capsys):
    with Compiling():
        pass
    assert capsys.readouterr().err == ""


def test_a_second_time_begins_anew(clock, capsys):
    with Compiling() as told:
        for _ in range(2):
            told(0, 2)
            clock(1)
            told(2, 2)
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_patterns_that_had_to_be_left_out_begin_it_again(clock, capsys):
    with Compiling() as told:
        told(0, 2)
        clock(1)
        told(1, 2)
        told(0, 3)
        told(3, 3)
    assert capsys.readouterr().err.count("rules are compiled") == 1


def test_a_bar_on_a_terminal_and_nothing_on_standard_output():
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], stdout=subprocess.PIPE, stderr=theirs, env=environment, check=True
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.stdout == b"done\n"
    assert "compiling rules" in shown
    assert "/3" in shown
    assert shown.rstrip().endswith("\x1b[2K") or "\x1b[?25h" in shown, "the bar goes, the cursor comes back"


def test_no_bar_is_left_when_compiling_fails():
    compiling = Compiling()
    with pytest.raises(ValueError), compiling as told:
        told(0, 3)
        raise ValueError
    assert compiling._shown is None
