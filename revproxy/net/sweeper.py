"""One coarse timer for each event loop, instead of a timer for each read.

What has a deadline stores it in an attribute; four times a second everything registered is looked at, and what is
late is told so. A deadline is therefore kept to within a quarter of a second, which is enough for timeouts that are
counted in seconds, and setting one costs a store.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Final, Protocol

INTERVAL: Final = 0.25
"""Seconds between two sweeps."""

NEVER: Final = float("inf")


class Watched(Protocol):
    """What a sweeper looks at."""

    deadline: float
    """In the loop's time; NEVER when nothing is waited for."""

    def expire(self, now: float) -> None:
        """The deadline has passed. Must set `deadline` anew or be discarded."""


class Sweeper:
    """The set of watched objects of one loop. The timer runs only while the set is not empty."""

    __slots__ = ("__weakref__", "_handle", "_loop", "_watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: set[Watched] = set()
        self._handle: asyncio.TimerHandle | None = None

    def add(self, watched: Watched) -> None:
        """Look at it from now on."""
        self._watched.add(watched)
        if self._handle is None:
            self._handle = self._loop.call_later(INTERVAL, self._sweep)

    def discard(self, watched: Watched) -> None:
        """Look at it no more."""
        self._watched.discard(watched)

    def __len__(self) -> int:
        return len(self._watched)

    def _sweep(self) -> None:
        """Expire what is late; the next sweep is arranged first, so that nothing raised here stops the sweeping."""
        self._handle = self._loop.call_later(INTERVAL, self._sweep) if self._watched else None
        now = self._loop.time()
        for watched in [w for w in self._watched if w.deadline <= now]:
            watched.expire(now)


_sweepers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Sweeper] = weakref.WeakKeyDictionary()


def sweeper_of(loop: asyncio.AbstractEventLoop) -> Sweeper:
    """The loop's own sweeper, made when first asked for."""
    sweeper = _sweepers.get(loop)
    if sweeper is None:
        sweeper = _sweepers[loop] = Sweeper(loop)
    return sweeper
