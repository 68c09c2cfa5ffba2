"""Values of one group of fields, joined with NUL and scanned at once.

The result is a set of items, as bits: a condition whose item is not in it accepts none of the values. The opposite
is not promised (the executor decides). Invariants: patterns of the joined database never consume a NUL and take it
for an end of the value, so a value in a joined buffer is hit as if it stood alone; a NUL inside a value is replaced
for the scan alone (`places.joined`); a transformation is carried out value by value, on the value as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from revproxy.detection.engine.calm import Scanner, ScanOf, Scans
from revproxy.detection.engine.chains import ChainTable, State
from revproxy.detection.engine.coded import decodable, shortest
from revproxy.detection.engine.contents import Telling
from revproxy.detection.engine.hinted import Hints
from revproxy.detection.engine.places import joined
from revproxy.detection.engine.turns import LONG_BYTES, turn
from revproxy.detection.link import Group
from revproxy.detection.link.ruleset import Look

ROOTS: Final = 1024
"""Most sets of items of which the beginning is kept; beyond, it is begun anew."""


def keyed_items(group: Group) -> int:
    """The items (bits) that `Group.unkeyed` is without."""
    if group.unkeyed is None:
        return 0
    held = {number - len(group.triggers) for number in group.unkeyed.numbers}
    return sum({1 << at for at, item in enumerate(group.items) if item.look is Look.SCAN and at not in held})


class GroupScanner:
    """One group's databases with their scratch space: for one thread."""

    def __init__(self, group: Group, chains: ChainTable, scan_of: ScanOf) -> None:
        """`chains`: the group's."""
        self.shift = len(group.triggers)
        self._blind = group.blind
        self.chains = chains
        self._roots: dict[int, State] = {}
        self._mask = self.chains.trigger_mask
        self._telling = Telling(self.chains.met_by, group.databases.calm_bytes)
        self._scanner = Scanner()
        self._all = self._scanner.load(group.databases, scan_of)
        self._unkeyed = self._scanner.load(group.unkeyed, scan_of) if group.unkeyed is not None else None
        self._keyed = keyed_items(group)
        self._small = {name: self._scanner.load(databases, scan_of) for name, databases in group.small}
        self._hints = Hints(group.hints, scan_of)
        self._shortest = shortest(group)

    def items(self, values: Sequence[bytes], wanted: int = -1) -> int:
        """Bits of those of the `wanted` items that may accept one of the values (item `p` is bit `p`)."""
        if not values:
            return 0
        root = self._roots.get(wanted)
        if root is None:
            root = self._root(wanted)
        if self._blind:
            return self._unseen(root, self._all, list(values)) >> self.shift
        scans = self._all if self._unkeyed is None or wanted & self._keyed else self._unkeyed
        return self._walk(root, scans, list(values)) >> self.shift

    def _root(self, wanted: int) -> State:
        if len(self._roots) >= ROOTS:
            self._roots.clear()
        root = self._roots[wanted] = self.chains.root(wanted)
        return root

    def _walk(self, state: State, scans: Scans, values: list[bytes]) -> int:
        """Scan these forms of the values, and what else follows from the result."""
        data, whole = joined(values)
        if len(data) > LONG_BYTES:
            turn()
        contents = self._telling.of(data) if scans.calm is not None else None
        seen = self._scanner.look(scans, data, contents is not None and contents.calm)
        triggered = seen & self._mask
        accept, leads = self.chains.move(state, triggered)
        hits = seen & accept
        if not leads:
            return hits
        met = (contents or self._telling.of(data)).met
        free, asked, bits = self.chains.asked(state, triggered, met)
        if free:
            hits |= self._onward(free, scans, values, seen, met)
        if (hits | seen) & bits:
            # What was seen in the values as they are counts as a hit: to try that costs less than a chain.
            hits |= seen & bits
            asked = tuple([p for p in asked if not hits >> self.shift + p & 1])
        if not asked:
            return hits
        # The rest of a node goes on in parts, each with the values of which transformations may make something.
        hinted, some = self._hints.holding(asked, data, values)
        if some:
            hits |= self._onward(self.chains.only(state, hinted), scans, some, seen, met)
        coded = self.chains.only(state, asked, coded=True)
        if coded:
            some = self._coded(coded, values, data) if whole else values
            if some:
                hits |= self._onward(coded, scans, some, seen, met)
        return hits

    def _coded(self, state: State, values: list[bytes], data: bytes) -> list[bytes]:
        """Of values without a NUL (`data`: joined), those of which base64 may make something that the items of this
        node accept."""
        found = decodable(values, data, self._shortest)
        if found.plain:
            items = {p for p, _ in state}
            return found.others + self._hints.holding(items, joined(found.decoded)[0], found.plain)[1]
        return found.others

    def _onward(self, state: State, scans: Scans, values: list[bytes], seen: int, met: int) -> int:
        """Take the items that are done, and scan the forms that are not; `met` as in `ChainTable.onward`.

        Values that a transformation left alone are not scanned again: for them holds what was seen.
        """
        hits = seen & self.chains.move(state, seen & self._mask).accept
        for name, function, child in self.chains.onward(state, seen & self._mask, met):
            turn()
            forms = function(values)
            changed = [form for form, value in zip(forms, values, strict=True) if form != value]
            if changed:
                hits |= self._walk(child, self._small.get(name, scans), changed)
            if len(changed) < len(values):
                same = values if not changed else [v for f, v in zip(forms, values, strict=True) if f == v]
                hits |= self._onward(child, scans, same, seen, met)
        return hits

    def _unseen(self, state: State, scans: Scans, values: list[bytes]) -> int:
        """Scan the forms of values that nobody has scanned."""
        hits = 0
        for name, function, child in self.chains.onward(state, 0, -1):
            hits |= self._walk(child, self._small.get(name, scans), function(values))
        return hits
