"""How a worker is: the lag of its loop, and the memory that it holds."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from functools import cache

from revproxy.audit.metrics import Histogram

_PAGE = os.sysconf("SC_PAGE_SIZE")
INTERVAL = 0.02
"""Seconds between two measurements of the lag: who holds the loop for longer is seen each time."""
WINDOW = 1500
"""Measurements in half of what is remembered."""


@cache
def _statm() -> int | None:
    """A descriptor that is kept: a process that is locked in cannot open it any more."""
    with suppress(OSError):
        return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    return None


def memory_bytes() -> int:
    """Resident memory of this process (VmRSS); 0 where /proc is not there."""
    number = _statm()
    return int(os.pread(number, 256, 0).split()[1]) * _PAGE if number is not None else 0


class Probe:
    """Measures by how much a sleeping task wakes up late, which is how long somebody held the loop.

    The worst of the last 30 to 60 seconds is kept, so that a scrape every half minute misses nothing, however often
    others look; a histogram has all.
    """

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._worst = [0.0, 0.0]
        self._count = 0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            # The loop's own clock counts whole milliseconds.
            due = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.note(max(0.0, time.monotonic() - due))

    def note(self, late: float) -> None:
        """Take one measurement, in seconds."""
        self._count += 1
        self._histogram.observe(late)
        if self._count % WINDOW == 0:
            self._worst = [0.0, self._worst[0]]
        self._worst[0] = max(self._worst[0], late)

    def lag(self) -> float:
        """Seconds: the worst of late."""
        return max(self._worst)
