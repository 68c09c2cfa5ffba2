"""Memory of scans: what a value was found to hit, bounded in bytes.

Two generations. What is asked for again moves to the young one; when that is full it becomes the old one, and what
was old and not asked for since is forgotten as a whole. Values that never repeat so pass through without pushing out
those that do, and a look-up costs no bookkeeping. What a value means does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from revproxy.detection.engine.gates import Looks

Scan = Callable[[Sequence[bytes], int], int]
"""Bits of the items, of those wanted (bits), that may accept one of the values."""
Confirm = Callable[[bytes], bool]

ENTRY_BYTES: Final = 220
"""What an entry costs besides the bytes of its key: four objects and a place in a table."""
FEW: Final = 3
"""So many conditions are sooner tried than the value is scanned alone."""
SETS: Final = 256
"""Sets of names that are remembered as a whole; beyond, it begins anew."""
MANY_NAMES: Final = 64
"""A set of more names is not, either."""
SET_BYTES: Final = 4096
"""A set with more bytes is not."""


class Known:
    """What is known of a value, in bits of items: those that it was scanned for (`mask`), and of those the ones of
    which the condition accepts it (`hits`) and the ones of which that is still to be found out (`open`)."""

    __slots__ = ("hits", "mask", "open")

    def __init__(self, mask: int, may: int) -> None:
        self.mask = mask
        self.hits = 0
        self.open = may


class Memory:
    """What is known, by value. Holds at most `most_bytes`, in two generations of half of that."""

    __slots__ = ("_old", "_share", "_used", "young")

    def __init__(self, most_bytes: int) -> None:
        self._share = most_bytes // 2
        self.young: dict[bytes, Known] = {}
        self._old: dict[bytes, Known] = {}
        self._used = 0

    def get(self, value: bytes) -> Known | None:
        """What was put for this, or None when it is not remembered."""
        found = self.young.get(value)
        if found is None:
            found = self._old.get(value)
            if found is not None:
                self.put(value, found)
        return found

    def put(self, value: bytes, known: Known) -> None:
        """Remember what is known; a value larger than a sixteenth of the memory is not."""
        cost = len(value) + ENTRY_BYTES
        if cost > self._share >> 3:
            return
        if self._used + cost > self._share:
            self._old = self.young
            self.young = {}
            self._used = 0
        self.young[value] = known
        self._used += cost

    def __len__(self) -> int:
        """Entries of both generations; those in both count twice."""
        return len(self.young) + len(self._old)


class Names:
    """A scanner that remembers what sets of names were found to hit: those of a form come again with each of it."""

    __slots__ = ("_known", "_scan")

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._known: dict[tuple[tuple[bytes, ...], int], int] = {}

    def items(self, names: Sequence[bytes], wanted: int) -> int | None:
        """As the scan; None where they are too many to be remembered."""
        if len(names) > MANY_NAMES:
            return None
        key = (tuple(names), wanted)
        found = self._known.get(key)
        if found is None:
            if sum(map(len, names)) > SET_BYTES:
                return None
            if len(self._known) >= SETS:
                self._known.clear()
            found = self._known[key] = self._scan(names, wanted)
        return found


class Recall:
    """A scanner that remembers: what its values hit is confirmed by the conditions themselves, and kept.

    For classes whose values come again (header fields, protocol words, paths): a User-Agent full of brackets is tried
    once, not on each request. Only items that are wanted are tried; the others stay open until they are.
    """

    __slots__ = ("_confirms", "_keyed", "_memory", "_scan", "_sets", "_tried")

    def __init__(
        self, scan: Scan, confirms: Sequence[Confirm], most_bytes: int, tried: int = 0, keyed: int = 0
    ) -> None:
        """`confirms[p]` tells whether the condition of item `p` accepts a value; the items `tried` (bits) are not
        scanned for; a scan without any of the `keyed` ones costs much less."""
        self._scan = scan
        self._keyed = keyed
        self._tried = tried
        self._confirms = confirms
        self._memory = Memory(most_bytes)
        self._sets: dict[tuple[str, tuple[bytes, ...], int], int] = {}

    def items(self, values: list[bytes], masks: list[int], wanted: int) -> tuple[int, int]:
        """(bits of the wanted items of which the condition accepts a value that it looks at (`masks`, by value), bits
        of all items of which that may be so)."""
        memory = self._memory
        hits = may = 0
        unknown: dict[bytes, int] = {}
        places: list[int] = []
        for at in range(len(values)):
            value = values[at]
            known = memory.young.get(value)
            if known is None:
                known = memory.get(value)
            mask = masks[at]
            if known is None or (known.mask != mask and mask & ~known.mask):
                # Who else looks at it is not to make it unknown again.
                unknown[value] = unknown.get(value, 0) | mask | (0 if known is None else known.mask)
                places.append(at)
                continue
            if known.open:
                if known.open & mask & wanted:
                    self._try(value, known, mask & wanted)
                may |= known.open & mask
            if known.hits:
                hits |= known.hits & mask
        if unknown:
            learnt: dict[bytes, Known] = {}
            keyed = {value: mask for value, mask in unknown.items() if mask & self._keyed}
            if keyed:
                self._learn(keyed, learnt)
                for value in keyed:
                    del unknown[value]
            if unknown:
                self._learn(unknown, learnt)
            for at in places:
                value, mask = values[at], masks[at]
                known = learnt[value]
                if known.open & mask & wanted:
                    self._try(value, known, mask & wanted)
                may |= known.open & mask
                hits |= known.hits & mask
        return hits & wanted, may | hits

    def together(self, source: str, values: tuple[bytes, ...], looks: Looks, wanted: int) -> int:
        """As `items` for all keys of the field `source`: names of header fields come in few sets."""
        key = (source, values, wanted)
        found = self._sets.get(key)
        if found is None:
            found = self.items(list(values), looks.masks(values, len(values)), wanted)[0]
            if len(self._sets) >= SETS:
                self._sets.clear()
            if sum(map(len, values)) <= SET_BYTES:
                self._sets[key] = found
        return found

    def _learn(self, unknown: dict[bytes, int], learnt: dict[bytes, Known]) -> None:
        """Add what is now known of these values, of which it is told which items look at them. They are scanned at
        once; where much was hit, those that it may matter to are scanned singly."""
        together = 0
        for mask in unknown.values():
            together |= mask
        found = self._scan(list(unknown), together)
        for value, mask in unknown.items():
            may = found & mask
            if may.bit_count() > FEW and len(unknown) > 1:
                may = self._scan([value], mask)
            known = learnt[value] = Known(mask, may | self._tried & mask)
            self._memory.put(value, known)

    def _try(self, value: bytes, known: Known, wanted: int) -> None:
        """Try the open items that are wanted."""
        todo = known.open & wanted
        left, hits = known.open ^ todo, known.hits
        while todo:
            low = todo & -todo
            if self._confirms[low.bit_length() - 1](value):
                hits |= low
            todo ^= low
        known.hits, known.open = hits, left
