"""The soak, in short: a few reloads and swaps under traffic, with our own signatures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.__main__ import FRESH, Measured, grown, table

ROOT = Path(__file__).resolve().parents[2]
BEFORE = Measured(100 << 20, (50 << 20, 60 << 20))


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_a_few_rounds():
    # After so few rounds caches are not full yet. Of the updates one at least is by the command.
    command = [sys.executable, "-m", "tests.soak", "--rounds", "5", "--updates", str(FRESH), "--growth", "20"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "memory stays where it was" in done.stdout
    assert done.stdout.count("\nsupervisor ") == done.stdout.count("\nworker 0 ") == 3
    assert done.stdout.count(", 0 wrong") == 2


def test_who_grew_is_named():
    assert grown(BEFORE, BEFORE, 5.0) == []
    after = Measured(104 << 20, (50 << 20, 66 << 20))
    assert grown(BEFORE, after, 5.0) == ["worker 1 grew by 10.0%"]
    assert len(grown(BEFORE, after, 1.0)) == 2


def test_the_table():
    lines = table(BEFORE, Measured(90 << 20, (50 << 20, 66 << 20)), 10, 200).splitlines()
    assert lines[0].split() == ["after", "10", "after", "200", "change"]
    assert [line.split()[-1] for line in lines[1:]] == ["-10.0%", "0.0%", "10.0%"]
