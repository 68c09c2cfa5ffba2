"""Processes beside: real ones."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from revproxy.runtime.aside import ran

TWO = (
    "import os, signal, subprocess, sys\n"
    "child = subprocess.Popen(['sleep', '60'])\n"
    "open(sys.argv[1], 'w').write(f'{os.getpid()} {child.pid}')\n"
    "signal.pause()\n"
)


@pytest.mark.parametrize("code", [0, 3])
async def test_its_code(code):
    assert await ran((sys.executable, "-c", f"raise SystemExit({code})"), 60.0) == code


async def test_one_that_takes_too_long():
    assert await ran((sys.executable, "-c", "import signal; signal.pause()"), 0.1) is None


async def test_one_that_cannot_be_started():
    with pytest.raises(FileNotFoundError):
        await ran(("/missing",), 1.0)


async def test_nothing_is_left_of_it(tmp_path, ended):
    """Not even what it has started itself."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    task = asyncio.create_task(ran((sys.executable, "-c", TWO, str(fifo)), 60.0))
    pids = (await asyncio.to_thread(fifo.read_text)).split()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for pid in map(int, pids):
        ended(pid)
