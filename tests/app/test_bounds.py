"""In a process of its own: bounds cannot be taken back."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

from revproxy.app import bounds
from revproxy.app.bounds import answer
from revproxy.app.order import Order
from revproxy.errors import SupplyError

ORDER = Order("", "ours", "", "", 3 * 2**30, 77)


def test_bounds() -> None:
    code = (
        "import resource; from revproxy.app.bounds import bound; bound(3 * 2**30, 77);"
        "print(resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{(3 * 2**30, 3 * 2**30)} {(77, 77)}\n"
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY


TIED = """\
import os, signal, sys
from revproxy.app.bounds import tied
tied(int(sys.argv[1]))
os.write(1, b"x")
signal.pause()
"""
STARTER = """\
import os, signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
signal.pause()
"""


def test_it_ends_with_whoever_waits_for_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, TIED], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.read(1) == b"x"
        starter.kill()
        # The pipe ends when nobody holds it any more.
        assert starter.communicate(timeout=30) == (b"", None)


def fails(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "step", "reason"),
    [
        (SupplyError("samples", "x" * 5000), "samples", "x" * 4000),
        (MemoryError(), "compile", ORDER.out_of_memory),
    ],
)
def test_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, step: str, reason: str
) -> None:
    taken: list[tuple[int, int]] = []
    monkeypatch.setattr(bounds, "bound", lambda *most: taken.append(most))
    monkeypatch.setattr(bounds.gc, "disable", lambda: None)
    monkeypatch.setattr(bounds, "settle", lambda: True)
    assert answer(ORDER, lambda: {"rules": 1}) == 0
    assert answer(ORDER, lambda: fails(error) or {}) == 1
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert (good, bad) == ({"rules": 1}, {"step": step, "reason": reason})
    assert taken == [(3 * 2**30, 77)] * 2
