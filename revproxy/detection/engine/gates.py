"""Conditions that ask for certain keys only: shut, without a look at any value, when none of the keys is there.

Most requests come with one of a few sets of header names, so what is shut is remembered by the keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from revproxy.detection.engine.executor import names_of
from revproxy.detection.rules import Condition

SETS = 1024
"""Most sets of keys that are remembered; beyond, it begins anew."""


def keys_wanted(condition: Condition) -> tuple[str, frozenset[bytes]] | None:
    """(field, keys) without one of which a condition accepts nothing, when all its targets name keys of one field."""
    chosen = [t for t in condition.targets if not t.exclude]
    fields = {t.field for t in chosen}
    wanted = frozenset(t.key.lower() for t in chosen if t.key is not None and not t.count)
    if len(fields) != 1 or len(wanted) < len({(t.key, t.count) for t in chosen}) or names_of(chosen[0].field):
        return None
    return chosen[0].field, wanted


class Gates:
    """The items of a group that ask for keys of one field."""

    __slots__ = ("_rows", "_shut", "field")

    def __init__(self, field: str, rows: Sequence[tuple[int, frozenset[bytes]]]) -> None:
        """`rows`: an item's bit, and the keys of which it needs one (lower case)."""
        self.field = field
        self._rows = rows
        self._shut: dict[tuple[bytes, ...], int] = {}

    def shut(self, keys: Sequence[bytes]) -> int:
        """Bits of the items that can accept nothing when these are the field's keys."""
        known = tuple(keys)
        bits = self._shut.get(known)
        if bits is None:
            if len(self._shut) >= SETS:
                self._shut.clear()
            there = frozenset(map(bytes.lower, known))
            bits = self._shut[known] = sum(bit for bit, wanted in self._rows if wanted.isdisjoint(there))
        return bits
