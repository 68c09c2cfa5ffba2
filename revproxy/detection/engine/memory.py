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

    __slots__ = ("_old", "_share", "_used", "_young")

    def __init__(self, most_bytes: int) -> None:
        self._share = most_bytes // 2
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}
        self._used = 0

    def get(self, value: bytes) -> int | None:
        """What was put for this value, or None when it is not remembered."""
        found = self._young.get(value)
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
            self._old = self._young
            self._young = {}
            self._used = 0
        self._young[value] = result
        self._used += cost

    def __len__(self) -> int:
        """Entries of both generations; those in both count twice."""
        return len(self._young) + len(self._old)


class Recall:
    """A scanner that remembers: what its values hit is confirmed by the conditions themselves, and kept.

    For classes whose values come again (header fields, protocol words, paths): a User-Agent full of brackets is tried
    once, not on each request.
    """

    __slots__ = ("_confirms", "_memory", "_scan")

    def __init__(self, scan: Scan, confirms: Sequence[Confirm], most_bytes: int) -> None:
        """`confirms[p]` tells whether the condition of item `p` accepts a value."""
        self._scan = scan
        self._confirms = confirms
        self._memory = Memory(most_bytes)

    def items(self, values: Sequence[bytes]) -> int:
        """Bits of the items of which the condition accepts one of the values."""
        get = self._memory.get
        hits = 0
        unknown: list[bytes] = []
        for value in values:
            known = get(value)
            if known is None:
                unknown.append(value)
            else:
                hits |= known
        return hits | self._learn(unknown) if unknown else hits

    def _learn(self, values: list[bytes]) -> int:
        put = self._memory.put
        found = self._scan(values)
        if not found:
            for value in values:
                put(value, 0)
            return 0
        hits = 0
        for value in values:
            confirmed = self._confirm(value, found if len(values) == 1 else self._scan([value]))
            put(value, confirmed)
            hits |= confirmed
        return hits

    def _confirm(self, value: bytes, found: int) -> int:
        confirmed = 0
        while found:
            low = found & -found
            if self._confirms[low.bit_length() - 1](value):
                confirmed |= low
            found ^= low
        return confirmed
