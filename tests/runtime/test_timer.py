"""The timer's clock is the test's; the processes are real."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from revproxy.config.settings import Feeds
from revproxy.runtime import timer as timer_module
from revproxy.runtime.timer import Timer

WRITE = "import sys; open(sys.argv[1], 'ab').write(b'x')"


class Clock:
    """Sleeps end when the test says so."""

    def __init__(self):
        self.asked = asyncio.Queue()
        self._go = asyncio.Queue()

    async def sleep(self, seconds):
        self.asked.put_nowait(seconds)
        await self._go.get()

    async def next(self):
        """How long it wants to sleep; it does, and goes on."""
        seconds = await self.asked.get()
        self._go.put_nowait(None)
        return seconds


@pytest.fixture
async def made(tmp_path):
    """`made(code)`: a timer that runs this, and its clock."""
    timers = []

    def make(code, *more):
        clock = Clock()
        command = (sys.executable, "-c", code, str(tmp_path / "file"), *more)
        timers.append(Timer(command, clock.sleep, lambda most: most / 2))
        return timers[-1], clock

    yield make
    for one in timers:
        await one.close()


async def test_looks_on_schedule_with_jitter(made, tmp_path):
    timer, clock = made(WRITE)
    await timer.set(Feeds(every=100.0, jitter=10.0))
    assert [await clock.next() for _ in range(3)] == [5.0, 105.0, 105.0]
    await clock.asked.get()
    assert (tmp_path / "file").read_bytes() == b"xxx"
    # The same once more changes nothing; something else begins anew; nothing ends it.
    await timer.set(Feeds(every=100.0, jitter=10.0))
    assert clock.asked.empty()
    await timer.set(Feeds(every=7.0, jitter=0.0))
    assert [await clock.next() for _ in range(2)] == [0.0, 7.0]
    await timer.set(Feeds())
    assert timer._task is None


async def test_nobody_looks_where_nothing_can(made):
    timer = Timer(())
    await timer.set(Feeds(every=1.0))
    assert timer._task is None
    await timer.close()


async def test_what_fails_is_said_and_tried_again(made, caplog):
    timer, clock = made("raise SystemExit(1)")
    await timer.set(Feeds(every=1.0))
    await clock.next()
    await clock.next()
    await clock.asked.get()
    assert caplog.text.count("an update ended with 1") == 2
    other = Clock()
    missing = Timer(("/missing",), other.sleep)
    await missing.set(Feeds(every=1.0))
    await other.next()
    await other.asked.get()
    assert "no update could be started" in caplog.text
    await missing.close()


async def test_one_that_takes_too_long_is_ended(made, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(timer_module, "MOST_SECONDS", 0.1)
    timer, clock = made("import signal; signal.pause()")
    await timer.set(Feeds(every=1.0))
    await clock.next()
    await clock.asked.get()
    assert "was not done after 0.1 s" in caplog.text


async def test_nothing_is_left_when_it_closes(made, tmp_path, ended):
    """Not even what the update itself has started."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = (
        "import os, signal, subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "open(sys.argv[2], 'w').write(f'{os.getpid()} {child.pid}')\n"
        "signal.pause()\n"
    )
    timer, clock = made(code, str(fifo))
    await timer.set(Feeds(every=1.0))
    await clock.next()
    pids = (await asyncio.to_thread(fifo.read_text)).split()
    await timer.close()
    for pid in map(int, pids):
        ended(pid)
