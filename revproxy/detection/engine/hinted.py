"""Which values hold a hint of a chain that may help (`link.hints`), in buffers of values joined with NUL."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

import hyperscan

from revproxy.detection.engine.calm import Scan, ScanOf

MOST = 256
"""So many hints in a buffer are as good as one in every value: where they stand is not looked at any more."""


class Hints:
    """The hints of one group's items, for one thread. A database is made ready when it is first asked."""

    __slots__ = ("_ends", "_hints", "_on_match", "_scan_of", "_scans")

    def __init__(self, hints: Mapping[int, str], scan_of: ScanOf) -> None:
        """`hints`: keys of databases by item."""
        self._hints = hints
        self._scan_of = scan_of
        self._scans: dict[int, Scan] = {}
        self._ends: list[int] = []
        self._on_match = _gatherer(self._ends)

    def holding(
        self, items: Iterable[int], joined: bytes, values: list[bytes], forms: list[bytes] | None = None
    ) -> tuple[frozenset[int], list[bytes]]:
        """Those of the items that have a hint in the buffer, and the values that hold one.

        The buffer holds the values, or these forms of them.
        """
        hit = []
        places: list[int] = []
        every = False
        for item in items:
            ends = self._ends_of(item, joined)
            if ends is None:
                every = True
            elif not ends:
                continue
            else:
                places += ends
            hit.append(item)
        some = values if every else _at(places, values if forms is None else forms, values) if places else []
        return frozenset(hit), some

    def _ends_of(self, item: int, joined: bytes) -> list[int] | None:
        """Where the item's hints end in the buffer; None where there are too many to tell."""
        scan = self._scans.get(item)
        if scan is None:
            scan = self._scans[item] = self._scan_of(self._hints[item])
        try:
            scan(joined, self._on_match)
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


def _at(ends: Iterable[int], forms: Iterable[bytes], values: Sequence[bytes]) -> list[bytes]:
    """The values in whose forms, joined, one of these ends lies."""
    nexts = list(accumulate(len(form) + 1 for form in forms))
    return [values[at] for at in sorted({bisect_right(nexts, end) for end in ends})]
