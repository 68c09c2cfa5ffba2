"""How a worker is: the lag of its loop, and the memory that it holds."""

from __future__ import annotations

import asyncio
import os

_PAGE = os.sysconf("SC_PAGE_SIZE")
INTERVAL = 0.25
"""Seconds between two measurements of the lag."""
WINDOW = 120
"""Measurements in half of what is remembered."""


def memory_bytes() -> int:
    """Resident memory of this process (VmRSS); 0 where /proc is not there."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


class Probe:
    """Measures by how much a sleeping task wakes up late, which is how long somebody held the loop.

    The worst of the last 30 to 60 seconds is kept, so that a scrape every half minute misses nothing, however often
    others look.
    """

    def __init__(self) -> None:
        self._worst = [0.0, 0.0]
        self._count = 0

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.note(loop.time() - due)

    def note(self, late: float) -> None:
        """Take one measurement, in seconds."""
        self._count += 1
        if self._count % WINDOW == 0:
            self._worst = [0.0, self._worst[0]]
        self._worst[0] = max(self._worst[0], late)

    def lag(self) -> float:
        """Seconds: the worst of late."""
        return max(self._worst)
