"""Conditions that ask for certain keys only: shut, without a look at any value, when none of the keys is there.

Most requests come with one of a few sets of header names, so what is shut is remembered by the keys, and so is which
items look at the value of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from revproxy.detection.engine.reading import key_test, names_of
from revproxy.detection.rules import AS_WRITTEN, Condition

SETS = 1024
"""Most sets of keys that are remembered; beyond, it begins anew."""
KEYS: Final = 4096
"""Most keys of which it is remembered what looks at their values."""
KEY_BYTES: Final = 64
"""Of longer ones it is not."""
_WRITTEN: Final = frozenset(AS_WRITTEN.values())
"""Fields of which the values are names."""
MOST_KEYS = 64
"""With more keys than this no gate is shut: trying them all would cost more than it saves."""


def keys_wanted(condition: Condition) -> tuple[str, Callable[[bytes], object]] | None:
    """(field, test of a key): a condition that accepts nothing without a key that passes, when all its targets choose
    keys of one field."""
    chosen = [t for t in condition.targets if not t.exclude]
    tests = [test for t in chosen if not t.count and (test := key_test(t)) is not None]
    if len({t.field for t in chosen}) != 1 or len(tests) < len(chosen) or names_of(chosen[0].field):
        return None
    return chosen[0].field, lambda key: any(test(key) for test in tests)


class Gates:
    """The items of a group that ask for keys of one field."""

    __slots__ = ("_rows", "_shut", "field")

    def __init__(self, field: str, rows: Sequence[tuple[int, Callable[[bytes], object]]]) -> None:
        """`rows`: an item's bit, and the test that one of the keys has to pass."""
        self.field = field
        self._rows = rows
        self._shut: dict[tuple[bytes, ...], int] = {}

    def shut(self, keys: Sequence[bytes]) -> int:
        """Bits of the items that can accept nothing when these are the field's keys."""
        if len(keys) > MOST_KEYS:
            return 0
        known = tuple(keys)
        bits = self._shut.get(known)
        if bits is None:
            if len(self._shut) >= SETS:
                self._shut.clear()
            bits = self._shut[known] = sum(bit for bit, test in self._rows if not any(map(test, known)))
        return bits


class Counts:
    """The items of a group that count values of one field: whether they match follows from its keys."""

    __slots__ = ("_known", "_rows", "field")

    def __init__(self, field: str, rows: Sequence[tuple[int, Callable[[Sequence[bytes]], bool]]]) -> None:
        """`rows`: an item's bit, and its condition for the field's keys."""
        self.field = field
        self._rows = rows
        self._known: dict[tuple[bytes, ...], int] = {}

    def bits(self, keys: Sequence[bytes]) -> int:
        """Bits of the items that match when these are the field's keys."""
        known = tuple(keys)
        found = self._known.get(known)
        if found is None:
            if len(self._known) >= SETS:
                self._known.clear()
            found = self._known[known] = sum(bit for bit, matches in self._rows if matches(known))
        return found


class Looks:
    """Which items of a group look at which values of one field."""

    __slots__ = ("_all", "_by_key", "_each", "_known", "_rows", "keys", "name", "named")

    def __init__(self, field: str, rows: Sequence[tuple[int, Condition]]) -> None:
        """`rows`: an item's bit and its condition."""
        base = names_of(field)
        self.name = base or field
        self.keys = base is not None
        """Whether not the values of the field `name` are looked at, but its keys."""
        self.named = self.keys or field in _WRITTEN
        """Whether what is looked at are names, of which few sets come again and again."""
        chosen = [(bit, t) for bit, c in rows for t in c.targets if t.field == field and not (t.exclude or t.count)]
        self._rows = [(bit, key_test(t)) for bit, t in chosen]
        self._known: dict[tuple[bytes, ...], list[int]] = {}
        self._by_key: dict[bytes, int] = {}
        self._all = sum({bit for bit, _ in self._rows})
        self._each = [self._all]

    def masks(self, keys: Sequence[bytes], count: int) -> list[int]:
        """For each of `count` values, the bits of the items that look at it; values may have no keys. Not to be
        changed."""
        if len(keys) != count:
            # Not a new list for each of the many fields with one value.
            return self._each if count == 1 else [self._all] * count
        known = tuple(keys)
        found = self._known.get(known)
        if found is None:
            if len(self._known) >= SETS:
                self._known.clear()
            found = self._known[known] = [self._mask(key) for key in known]
        return found

    def _mask(self, key: bytes) -> int:
        found = self._by_key.get(key)
        if found is None:
            found = sum({bit for bit, test in self._rows if test is None or test(key)})
            if len(self._by_key) >= KEYS:
                self._by_key.clear()
            if len(key) <= KEY_BYTES:
                self._by_key[key] = found
        return found
