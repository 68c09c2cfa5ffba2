"""Which values hold a hint of a chain that may help (`link.hints`), in buffers of values joined with NUL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from revproxy.detection.engine.calm import ScanOf
from revproxy.detection.engine.places import Places, numbers


class Hints:
    """The hints of one group's items, for one thread."""

    __slots__ = ("_places",)

    def __init__(self, hints: Mapping[int, str], scan_of: ScanOf) -> None:
        """`hints`: keys of databases by item."""
        self._places = Places(hints, scan_of)

    def holding(
        self, items: Iterable[int], data: bytes, values: list[bytes], forms: list[bytes] | None = None
    ) -> tuple[frozenset[int], list[bytes]]:
        """Those of the items that have a hint in the buffer, and the values that hold one.

        The buffer holds the values, or these forms of them.
        """
        hit = []
        places: list[int] = []
        every = False
        for item in items:
            ends = self._places.ends(item, data)
            if ends is None:
                every = True
            elif not ends:
                continue
            else:
                places += ends
            hit.append(item)
        if every or not places:
            return frozenset(hit), values if every else []
        return frozenset(hit), [values[number] for number in numbers(places, values if forms is None else forms)]
