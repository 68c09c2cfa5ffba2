"""Memory of scans: what a value was found to hit, bounded in bytes.

Two generations. What is asked for again moves to the young one; when that is full it becomes the old one, and what
was old and not asked for since is forgotten as a whole. Values that never repeat so pass through without pushing out
those that do, and a look-up costs no bookkeeping. What a value means does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from revproxy.detection.engine.gates import Looks

Scan = Callable[[Sequence[bytes], int], int]
"""Bits of the items, of those wanted (bits), that may accept one of the values."""
Confirm = Callable[[bytes], bool]

Seen = tuple[bytes, int]
"""A value, and the items (bits) that look at it."""
ENTRY_BYTES = 220
"""What an entry costs besides the bytes of its key: three objects and a place in a table."""
FEW = 3
"""So many conditions are sooner tried than the value is scanned alone."""
SETS = 256
"""Sets of names that are remembered as a whole; beyond, it begins anew."""
MANY_NAMES = 64
"""A set of more names is not, either."""
SET_BYTES = 4096
"""A set with more bytes is not."""


class Memory:
    """Results (item bits) by value and the items that look at it. Holds at most `most_bytes`, in two generations of
    half of that."""

    __slots__ = ("_old", "_share", "_used", "young")

    def __init__(self, most_bytes: int) -> None:
        self._share = most_bytes // 2
        self.young: dict[Seen, int] = {}
        self._old: dict[Seen, int] = {}
        self._used = 0

    def get(self, seen: Seen) -> int | None:
        """What was put for this, or None when it is not remembered."""
        found = self.young.get(seen)
        if found is None:
            found = self._old.get(seen)
            if found is not None:
                self.put(seen, found)
        return found

    def put(self, seen: Seen, result: int) -> None:
        """Remember a result; a value larger than a sixteenth of the memory is not."""
        cost = len(seen[0]) + ENTRY_BYTES
        if cost > self._share >> 3:
            return
        if self._used + cost > self._share:
            self._old = self.young
            self.young = {}
            self._used = 0
        self.young[seen] = result
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

    __slots__ = ("_confirms", "_memory", "_open", "_scan", "_sets", "_tried")

    def __init__(self, scan: Scan, confirms: Sequence[Confirm], most_bytes: int, tried: int = 0) -> None:
        """`confirms[p]` tells whether the condition of item `p` accepts a value; the items `tried` (bits) are not
        scanned for."""
        self._scan = scan
        self._tried = tried
        self._confirms = confirms
        self._memory = Memory(most_bytes)
        self._open = len(confirms)
        self._sets: dict[tuple[str, tuple[bytes, ...], int], int] = {}

    def items(self, values: Sequence[bytes], masks: Sequence[int], wanted: int) -> tuple[int, int]:
        """(bits of the wanted items of which the condition accepts a value that it looks at (`masks`, by value), bits
        of all items of which that may be so)."""
        young, memory, shift = self._memory.young, self._memory, self._open
        hits = 0
        unknown: list[Seen] = []
        for seen in zip(values, masks, strict=True):
            known = young.get(seen)
            if known is None:
                known = memory.get(seen)
                if known is None:
                    unknown.append(seen)
                    continue
            if known:
                if known >> shift & wanted:
                    known = self._try(seen, known, wanted)
                hits |= known
        if unknown:
            hits |= self._learn(unknown, wanted)
        every = hits & ((1 << shift) - 1)
        return every & wanted, hits >> shift | every

    def together(self, source: str, values: tuple[bytes, ...], looks: Looks, wanted: int) -> int:
        """As `items` for all keys of the field `source`: names of header fields come in few sets."""
        key = (source, values, wanted)
        found = self._sets.get(key)
        if found is None:
            found = self.items(values, looks.masks(values, len(values)), wanted)[0]
            if len(self._sets) >= SETS:
                self._sets.clear()
            if sum(map(len, values)) <= SET_BYTES:
                self._sets[key] = found
        return found

    def _learn(self, unknown: Sequence[Seen], wanted: int) -> int:
        """Scan values at once. Where much was hit, those that it may matter to are scanned singly.

        The bits are those of the memory: confirmed items, and above them the open ones.
        """
        together = 0
        for _, mask in unknown:
            together |= mask
        found = self._scan([value for value, _ in unknown], together)
        hits = 0
        for seen in unknown:
            value, mask = seen
            alone = found & mask
            if alone.bit_count() > FEW and len(unknown) > 1:
                alone = self._scan([value], mask)
            known = (alone | self._tried & mask) << self._open
            if known >> self._open & wanted:
                known = self._try(seen, known, wanted)
            else:
                self._memory.put(seen, known)
            hits |= known
        return hits

    def _try(self, seen: Seen, known: int, wanted: int) -> int:
        """Try the open items that are wanted. In `known`, confirmed items stand below the open ones."""
        value = seen[0]
        todo = known >> self._open & wanted
        known ^= todo << self._open
        while todo:
            low = todo & -todo
            if self._confirms[low.bit_length() - 1](value):
                known |= low
            todo ^= low
        self._memory.put(seen, known)
        return known
