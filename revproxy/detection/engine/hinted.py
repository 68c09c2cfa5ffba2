"""Which values hold a hint of a chain that may help (`link.hints`), in buffers of values joined with NUL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from revproxy.detection.engine.calm import ScanOf
from revproxy.detection.engine.places import MOST, Places, numbers
from revproxy.detection.engine.turns import LONG_BYTES, turn

FEW: Final = 16
"""So many matches are looked at, however few the values."""
SHARE: Final = 4
"""One match for so many values is many."""

_NONE: Final = frozenset[int]()


class Hints:
    """The hints of one group's items, for one thread."""

    __slots__ = ("_places",)

    def __init__(self, hints: Mapping[int, str], scan_of: ScanOf) -> None:
        """`hints`: keys of databases by item."""
        self._places = Places(hints, scan_of)

    def holding(self, items: Iterable[int], data: bytes, values: list[bytes]) -> tuple[frozenset[int], list[bytes]]:
        """Those of the items that have a hint in the buffer, and the values that hold one.

        The buffer holds the values, or a form of each of them.
        """
        hit = []
        places: list[int] = []
        # Where there are many matches for so many values, or one value alone, all are carried on: which ones hold
        # one is not worth a call for each match.
        most = min(max(FEW, len(values) // SHARE), MOST)
        every = len(values) == 1
        for item in items:
            if len(data) > LONG_BYTES:
                turn()
            if every:
                if self._places.holds(item, data):
                    hit.append(item)
                continue
            ends = self._places.ends(item, data, most)
            if ends is None:
                every = True
            elif not ends:
                continue
            else:
                places += ends
            hit.append(item)
        if not hit:
            return _NONE, []
        if every:
            return frozenset(hit), values
        return frozenset(hit), [values[number] for number in numbers(places, data)]
