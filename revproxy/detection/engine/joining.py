"""Values of one group of fields, joined with NUL and scanned at once.

The result is a set of items, as bits: a condition whose item is not in it accepts none of the values. The opposite
is not promised (the executor decides). Invariants: patterns of the joined database never consume a NUL and take it
for an end of the value, so a value in a joined buffer is hit as if it stood alone; a value that itself holds a NUL
is scanned alone, with the database of unchanged patterns; a transformation is carried out value by value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import hyperscan

from revproxy.detection.engine.chains import ChainTable, State
from revproxy.detection.link.ruleset import Group, RuleSet

Scan = Callable[..., None]
_CALM_FROM = 4096
"""Shorter buffers are not worth a second look."""
_BLOCK = 64
"""A longer list of values is looked at in blocks of so many before anything is transformed."""


class GroupScanner:
    """One group's databases with their scratch space: for one thread."""

    def __init__(self, group: Group, ruleset: RuleSet) -> None:
        self.group = group
        self.shift = len(group.triggers)
        self.chains = ChainTable(group)
        self._rough = 1 << (self.shift + len(group.items))
        self._bits = [1 << i for i in range(self.shift + len(group.items) + 1)]
        self._found: list[int] = []
        found = self._found.append
        self._on_match = lambda number, start, end, flags, context: found(number)
        self._databases = {k: _load(ruleset.compiled[k]) for k in {group.joined, group.exact, group.calm} if k}
        self._exact = self._scan_of(group.exact)
        self._joined = self._scan_of(group.joined)
        self._calm = self._scan_of(group.calm) if group.calm else None

    def _scan_of(self, key: str) -> Scan:
        if not key:
            return lambda data, on_match: None
        scan: Scan = self._databases[key].scan
        return scan

    def items(self, values: Sequence[bytes]) -> int:
        """Bits of the items that may accept one of the values (item `p` is bit `p`)."""
        if not values:
            return 0
        return self._walk(self.chains.root, list(values), 0) >> self.shift

    def _walk(self, state: State, values: list[bytes], hits: int) -> int:
        if len(values) == 1:
            seen = self._look(self._exact, values[0])
            return self._onward(state, values, seen, hits)
        joined = b"\0".join(values)
        if joined.count(0) != len(values) - 1:
            for value in values:
                if 0 in value:
                    hits = self._walk(state, [value], hits)
            values = [v for v in values if 0 not in v]
            return self._walk(state, values, hits) if values else hits
        seen = self._look_joined(joined)
        if len(values) > _BLOCK and self.chains.move(state, seen & self.chains.trigger_mask).onward:
            for at in range(0, len(values), _BLOCK):
                hits = self._walk(state, values[at : at + _BLOCK], hits)
            return hits
        return self._onward(state, values, seen, hits)

    def _onward(self, state: State, values: list[bytes], seen: int, hits: int) -> int:
        """Take the items that are done, and scan the forms that are not."""
        move = self.chains.move(state, seen & self.chains.trigger_mask)
        hits |= seen & move.accept
        for function, child in move.onward:
            changed = [function(v) for v in values]
            if changed == values:
                hits = self._onward(child, values, seen, hits)
            else:
                hits = self._walk(child, changed, hits)
        return hits

    def _look_joined(self, joined: bytes) -> int:
        if self._calm is not None and len(joined) >= _CALM_FROM:
            seen = self._look(self._calm, joined)
            if not seen & self._rough:
                return seen
        return self._look(self._joined, joined)

    def _look(self, scan: Scan, data: bytes) -> int:
        found = self._found
        scan(data, self._on_match)
        if not found:
            return 0
        bits, seen = self._bits, 0
        for number in found:
            seen |= bits[number]
        found.clear()
        return seen


def _load(data: bytes) -> hyperscan.Database:
    database = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database
