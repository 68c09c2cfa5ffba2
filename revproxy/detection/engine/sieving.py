"""Which of many values a condition may accept, by one scan of all of them (`link.sieves`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from revproxy.detection.engine.calm import ScanOf
from revproxy.detection.engine.places import Places, joined, numbers
from revproxy.detection.link.sieves import Place

MANY: Final = 4
"""Fewer values are sooner tried than scanned."""


class Sieves:
    """The sieves of a rule set, for one thread."""

    __slots__ = ("_known", "_places")

    def __init__(self, sieves: Mapping[Place, str], scan_of: ScanOf) -> None:
        """`sieves`: keys of databases."""
        self._known = sieves.keys()
        self._places = Places(sieves, scan_of)

    def knows(self, place: Place, count: int) -> bool:
        """Whether there is something to say of so many values there."""
        return count >= MANY and place in self._known

    def before(self, place: Place, test: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
        """A test of the condition at a place that it knows, with a look in front: most values do not come to it."""
        places = self._places
        return lambda value: places.holds(place, joined([value])[0]) and test(value)

    def left(self, place: Place, values: Sequence[bytes]) -> Sequence[int]:
        """The numbers, in order, of those of the values that are to be tried, at a place that it knows."""
        data = joined(values)[0]
        ends = self._places.ends(place, data)
        return range(len(values)) if ends is None else numbers(ends, data)
