"""Where in values a pattern matches: every match of a database of one pattern, in values joined with NUL."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import hyperscan

from revproxy.detection.engine.calm import Scan, ScanOf
from revproxy.detection.link.patterns import STAND_IN

Key = TypeVar("Key", bound=Hashable)
MOST = 1024
"""So many matches in a buffer are as good as one in every value: where they are is not looked at any more."""
_WITHOUT_NUL = STAND_IN + bytes(range(1, 256))


def joined(values: Sequence[bytes]) -> tuple[bytes, bool]:
    """What is scanned of them, and whether that is them as they are: there is no NUL in one."""
    together = b"\0".join(values)
    if together.count(0) == len(values) - 1:
        return together, True
    return b"\0".join([v.translate(_WITHOUT_NUL) for v in values]), False


class Places(Generic[Key]):
    """Databases by what they are known by, for one thread; each is made ready when it is first asked."""

    __slots__ = ("_ends", "_keys", "_on_match", "_scan_of", "_scans")

    def __init__(self, keys: Mapping[Key, str], scan_of: ScanOf) -> None:
        """`keys`: those of the databases."""
        self._keys = keys
        self._scan_of = scan_of
        self._scans: dict[Key, Scan] = {}
        self._ends: list[int] = []
        self._on_match = _gatherer(self._ends)

    def ends(self, known_by: Key, data: bytes) -> list[int] | None:
        """Where matches end; None where there are too many to tell."""
        scan = self._scans.get(known_by)
        if scan is None:
            scan = self._scans[known_by] = self._scan_of(self._keys[known_by])
        try:
            scan(data, self._on_match)
        except hyperscan.ScanTerminated:
            self._ends.clear()
            return None
        if not self._ends:
            return self._ends
        found = self._ends.copy()
        self._ends.clear()
        return found


def _gatherer(ends: list[int]) -> Callable[..., bool]:
    def on_match(number: int, start: int, end: int, flags: int, context: object) -> bool:
        ends.append(end)
        return len(ends) >= MOST

    return on_match


def numbers(ends: Iterable[int], values: Iterable[bytes]) -> list[int]:
    """The numbers of the values, joined, in which matches end; at a border of two that may be either."""
    nexts = list(accumulate(len(value) + 1 for value in values))
    found = {bisect_right(nexts, place) for end in ends for place in (end - 1, end)}
    return sorted(number for number in found if number < len(nexts))
