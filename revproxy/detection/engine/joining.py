"""Values of one group of fields, joined with NUL and scanned at once.

The result is a set of items, as bits: a condition whose item is not in it accepts none of the values. The opposite
is not promised (the executor decides). Invariants: patterns of the joined database never consume a NUL and take it
for an end of the value, so a value in a joined buffer is hit as if it stood alone; a NUL inside a value is replaced
for the scan alone (`STAND_IN`); a transformation is carried out value by value, on the value as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from revproxy.detection.engine.calm import Scanner, ScanOf, Scans
from revproxy.detection.engine.chains import ChainTable, State
from revproxy.detection.link import Group
from revproxy.detection.link.patterns import STAND_IN

_WITHOUT_NUL = STAND_IN + bytes(range(1, 256))
_BLOCK = 64
"""A longer list of values is looked at in blocks of so many before anything is transformed."""


class GroupScanner:
    """One group's databases with their scratch space: for one thread."""

    def __init__(self, group: Group, scan_of: ScanOf) -> None:
        self.shift = len(group.triggers)
        self._blind = group.blind
        self.chains = ChainTable(group)
        self._scanner = Scanner(self.shift + len(group.items))
        self._all = self._scanner.load(group.databases, scan_of)
        self._small = {name: self._scanner.load(databases, scan_of) for name, databases in group.small}

    def items(self, values: Sequence[bytes]) -> int:
        """Bits of the items that may accept one of the values (item `p` is bit `p`)."""
        if not values:
            return 0
        if self._blind:
            return self._onward(self.chains.root, self._all, list(values), 0, 0) >> self.shift
        return self._walk(self.chains.root, self._all, list(values), 0) >> self.shift

    def _walk(self, state: State, scans: Scans, values: list[bytes], hits: int) -> int:
        """Scan these forms of the values, and what else follows from the result; add to `hits`."""
        joined = b"\0".join(values)
        if joined.count(0) != len(values) - 1:
            joined = b"\0".join([v.translate(_WITHOUT_NUL) for v in values])
        seen = self._scanner.look(scans, joined)
        if len(values) > _BLOCK and seen & self.chains.trigger_mask:
            for at in range(0, len(values), _BLOCK):
                hits = self._walk(state, scans, values[at : at + _BLOCK], hits)
            return hits
        return self._onward(state, scans, values, seen, hits)

    def _onward(self, state: State, scans: Scans, values: list[bytes], seen: int, hits: int) -> int:
        """Take the items that are done, and scan the forms that are not."""
        move = self.chains.move(state, seen & self.chains.trigger_mask)
        hits |= seen & move.accept
        for name, function, child in move.onward:
            changed = function(values)
            if changed == values:
                hits = self._onward(child, scans, values, seen, hits)
            else:
                hits = self._walk(child, self._small.get(name, scans), changed, hits)
        return hits
