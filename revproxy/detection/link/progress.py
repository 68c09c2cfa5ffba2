"""How far linking is, for whoever waits for it. Nothing is told where all databases were in the store."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

Told = Callable[[int, int], None]
"""(databases that are there, databases wanted): first when one has to be compiled, then for each, last when all are
there. Called from several threads, and from the beginning again when patterns had to be left out."""


def unheard(there: int, wanted: int) -> None:
    """Nobody waits."""


class Tally:
    """Counts the databases of one linking."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._missed = False
        self._there = count(1)
        self._wanted = 0
        self._last = 0

    def begin(self, wanted: int) -> None:
        """So many are wanted, none of them is there."""
        self._there, self._wanted, self._last = count(1), wanted, 0

    def missed(self) -> None:
        """One has to be compiled."""
        if not self._missed:
            self._missed = True
            self._told(self._last, self._wanted)

    def one(self) -> None:
        """One more is there."""
        self._last = next(self._there)
        if self._missed:
            self._told(self._last, self._wanted)
