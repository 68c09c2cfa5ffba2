"""Where in values a pattern matches: every match of a database of one pattern, in values joined with NUL."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import hyperscan

from revproxy.codecs.marks import NUL
from revproxy.detection.engine.calm import Scan, ScanOf
from revproxy.detection.link.patterns import STAND_IN

Key = TypeVar("Key", bound=Hashable)
MOST: Final = 1024
"""Most matches in a buffer of which it is told where they are."""
_WITHOUT_NUL: Final = STAND_IN + bytes(range(1, 256))


def joined(values: Sequence[bytes]) -> tuple[bytes, bool]:
    """What is scanned of them, and whether that is them as they are: there is no NUL in one."""
    # To join them twice is cheaper than to count.
    if NUL not in b"".join(values):
        return b"\0".join(values), True
    return b"\0".join([v.translate(_WITHOUT_NUL) for v in values]), False


class Places(Generic[Key]):
    """Databases by what they are known by, for one thread; each is made ready when it is first asked."""

    __slots__ = ("_ends", "_gather", "_keys", "_scan_of", "_scans")

    def __init__(self, keys: Mapping[Key, str], scan_of: ScanOf) -> None:
        """`keys`: those of the databases."""
        self._keys = keys
        self._scan_of = scan_of
        self._scans: dict[Key, Scan] = {}
        self._ends: list[int] = []
        self._gather = {MOST: _gatherer(self._ends, MOST), 1: _gatherer(self._ends, 1)}

    def holds(self, known_by: Key, data: bytes) -> bool:
        """Whether there is a match."""
        return self.ends(known_by, data, 1) is None

    def ends(self, known_by: Key, data: bytes, most: int = MOST) -> list[int] | None:
        """Where matches end; None where there are so many."""
        scan = self._scans.get(known_by)
        if scan is None:
            scan = self._scans[known_by] = self._scan_of(self._keys[known_by])
        try:
            scan(data, self._gathering(most))
        except hyperscan.ScanTerminated:
            self._ends.clear()
            return None
        if not self._ends:
            return self._ends
        found = self._ends.copy()
        self._ends.clear()
        return found

    def _gathering(self, most: int) -> Callable[..., bool]:
        gather = self._gather.get(most)
        if gather is None:
            gather = self._gather[most] = _gatherer(self._ends, most)
        return gather


def _gatherer(ends: list[int], most: int) -> Callable[..., bool]:
    def on_match(number: int, start: int, end: int, flags: int, context: object) -> bool:
        ends.append(end)
        return len(ends) >= most

    return on_match


def numbers(ends: Iterable[int], data: bytes) -> list[int]:
    """The numbers of the values, joined in `data`, in which matches end; at a border of two that may be either."""
    found: dict[int, None] = {}
    number = at = 0
    for end in sorted(ends):
        if end:
            number += data.count(0, at, end - 1)
            at = end - 1
            if not data[at]:
                found[number + 1] = None
        found[number] = None
    return sorted(found)
