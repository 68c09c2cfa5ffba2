"""Which transformed forms of a buffer need another scan: a table that fills itself.

A node is a set of live (item, transformations done) pairs. What a scan of a buffer saw of the triggers decides, for
each node, which items are done (every transformation left would change nothing) and which transformations lead to
which next node. Dozens of chains become one to three scans, because what was not triggered is never carried out.

Invariant: an item reaches the end of its chain over the forms that its values really take; a transformation that was
not triggered is the identity on every value of the buffer. Scanning does not belong here.
"""

from __future__ import annotations

from typing import NamedTuple

from revproxy.detection.engine.lists import Many, many
from revproxy.detection.link.chains import function_of
from revproxy.detection.link.ruleset import Group

State = frozenset[tuple[int, int]]
ENTRIES = 8192
"""Most entries that a table keeps; it is emptied and fills again beyond."""


class Move(NamedTuple):
    """What to do after a scan: items that count when they are hit (bits), and the forms still to be scanned."""

    accept: int
    onward: tuple[tuple[str, Many, State], ...]


class ChainTable:
    """The table of one group. Bits are those of the group's identifiers: triggers first, then items."""

    __slots__ = ("_group", "_moves", "_shift", "_trigger_bit", "root", "trigger_mask")

    def __init__(self, group: Group) -> None:
        self._group = group
        self._shift = len(group.triggers)
        self._trigger_bit = {name: 1 << i for i, name in enumerate(group.triggers)}
        self.trigger_mask = (1 << self._shift) - 1
        self._moves: dict[tuple[State, int], Move] = {}
        self.root: State = frozenset((p, 0) for p in range(len(group.items)))

    def move(self, state: State, seen: int) -> Move:
        """What follows from the triggers seen (bits of `trigger_mask`) in a buffer at this state."""
        key = (state, seen)
        found = self._moves.get(key)
        if found is None:
            if len(self._moves) >= ENTRIES:
                self._moves.clear()
            found = self._moves[key] = self._work_out(state, seen)
        return found

    def _work_out(self, state: State, seen: int) -> Move:
        accept = 0
        onward: dict[str, set[tuple[int, int]]] = {}
        for position, done in sorted(state):
            item = self._group.items[position]
            chain, at = item.chain, done
            while at < len(chain) and not self._changes(chain[at], seen):
                at += 1
            if at == len(chain) or item.every_step:
                accept |= 1 << (self._shift + position)
            if at < len(chain):
                onward.setdefault(chain[at], set()).add((position, at + 1))
        moves = tuple((n, many(function_of(n)), frozenset(s)) for n, s in sorted(onward.items()))
        return Move(accept, moves)

    def _changes(self, name: str, seen: int) -> bool:
        bit = self._trigger_bit.get(name)
        return bit is None or bool(seen & bit)
