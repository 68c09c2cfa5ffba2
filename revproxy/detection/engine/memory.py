"""Memory of scans: what a value was found to hit, bounded in bytes.

Two generations. What is asked for again moves to the young one; when that is full it becomes the old one, and what
was old and not asked for since is forgotten as a whole. Values that never repeat so pass through without pushing out
those that do, and a look-up costs no bookkeeping. What a value means does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Scan = Callable[[Sequence[bytes]], int]
Confirm = Callable[[bytes], bool]

ENTRY_BYTES = 160
"""What an entry costs besides the bytes of its key: two objects and a place in a table."""


class Memory:
    """Results (item bits) by value. Holds at most `most_bytes`, in two generations of half of that."""

    __slots__ = ("_old", "_share", "_used", "young")

    def __init__(self, most_bytes: int) -> None:
        self._share = most_bytes // 2
        self.young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}
        self._used = 0

    def get(self, value: bytes) -> int | None:
        """What was put for this value, or None when it is not remembered."""
        found = self.young.get(value)
        if found is None:
            found = self._old.get(value)
            if found is not None:
                self.put(value, found)
        return found

    def put(self, value: bytes, result: int) -> None:
        """Remember a result; a value larger than a sixteenth of the memory is not."""
        cost = len(value) + ENTRY_BYTES
        if cost > self._share >> 3:
            return
        if self._used + cost > self._share:
            self._old = self.young
            self.young = {}
            self._used = 0
        self.young[value] = result
        self._used += cost

    def __len__(self) -> int:
        """Entries of both generations; those in both count twice."""
        return len(self.young) + len(self._old)


class Recall:
    """A scanner that remembers: what its values hit is confirmed by the conditions themselves, and kept.

    For classes whose values come again (header fields, protocol words, paths): a User-Agent full of brackets is tried
    once, not on each request. Only items that are wanted are tried; the others stay open until they are.
    """

    __slots__ = ("_confirms", "_memory", "_open", "_scan")

    def __init__(self, scan: Scan, confirms: Sequence[Confirm], most_bytes: int) -> None:
        """`confirms[p]` tells whether the condition of item `p` accepts a value."""
        self._scan = scan
        self._confirms = confirms
        self._memory = Memory(most_bytes)
        self._open = len(confirms)

    def items(self, values: Sequence[bytes], masks: Sequence[int], wanted: int) -> int:
        """Bits of the wanted items of which the condition accepts a value that it looks at (`masks`, by value)."""
        young, get, shift = self._memory.young.get, self._memory.get, self._open
        hits = 0
        unknown: dict[int, list[bytes]] = {}
        for value, mask in zip(values, masks, strict=True):
            known = young(value)
            if known is None:
                known = get(value)
            if known is None:
                unknown.setdefault(mask & wanted, []).append(value)
            elif known >> shift & mask & wanted:
                hits |= self._try(value, known, mask & wanted) & mask
            else:
                hits |= known & mask
        for mask, rest in unknown.items():
            hits |= self._learn(rest, mask) & mask
        return hits & wanted

    def _learn(self, values: list[bytes], mask: int) -> int:
        """Scan values that the same items look at: what one of them hits means nothing to those of others."""
        found = self._scan(values)
        hits = 0
        for value in values:
            if found & mask and len(values) > 1:
                hits |= self._try(value, self._scan([value]) << self._open, mask)
            elif found & mask:
                hits |= self._try(value, found << self._open, mask)
            else:
                self._memory.put(value, found << self._open)
        return hits

    def _try(self, value: bytes, known: int, wanted: int) -> int:
        """Try the open items that are wanted. In `known`, confirmed items stand below the open ones."""
        todo = known >> self._open & wanted
        known ^= todo << self._open
        while todo:
            low = todo & -todo
            if self._confirms[low.bit_length() - 1](value):
                known |= low
            todo ^= low
        self._memory.put(value, known)
        return known & ((1 << self._open) - 1)
