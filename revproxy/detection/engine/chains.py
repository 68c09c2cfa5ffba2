"""Which transformed forms of a buffer need another scan: a table that fills itself.

A node is a set of live (item, transformations done) pairs. What a scan of a buffer saw of the triggers decides, for
each node, which items are done (every transformation left would change nothing) and which transformations lead to
which next node. Dozens of chains become one to three scans, because what was not triggered is never carried out, nor
what could not help: an item that needs a byte which is not there, and cannot be made of what is there, ends there.

Invariant: an item reaches the end of its chain over the forms that its values really take, as long as it could still
be accepted there; a transformation that was not triggered is the identity on every value of the buffer. Scanning does
not belong here.
"""

from __future__ import annotations

from typing import NamedTuple

from revproxy.detection.engine.lists import Many, many
from revproxy.detection.link.chains import function_of
from revproxy.detection.link.ruleset import Group

State = frozenset[tuple[int, int]]
Onward = tuple[tuple[str, Many, State], ...]
"""Forms still to be scanned: the name of a transformation, what carries it out, the node that it leads to."""
_SHORT_BYTES = 64
ENTRIES = 8192
"""Most entries that a table keeps; it is emptied and fills again beyond."""


class Asked(NamedTuple):
    """What of a node has a way on: the part of it of which nothing more is known, and items with a hint."""

    free: State
    hinted: tuple[int, ...]


class Move(NamedTuple):
    """What to do after a scan: items that count when they are hit (bits), and whether there is a way on."""

    accept: int
    leads: bool


class ChainTable:
    """The table of one group. Bits are those of the group's identifiers: triggers first, then items."""

    __slots__ = (
        "_asked",
        "_group",
        "_met_by",
        "_moves",
        "_need_bit",
        "_only",
        "_onward",
        "_shift",
        "_trigger_bit",
        "dull",
        "trigger_mask",
    )

    def __init__(self, group: Group) -> None:
        self._group = group
        self._shift = len(group.triggers)
        self._trigger_bit = {name: 1 << i for i, name in enumerate(group.triggers)}
        self.trigger_mask = (1 << self._shift) - 1
        needs = sorted({need for item in group.items for need in item.needs if need})
        self._need_bit = {need: 1 << i for i, need in enumerate(needs)} | {0: 0}
        self._met_by = [sum(bit for need, bit in self._need_bit.items() if need >> byte & 1) for byte in range(256)]
        self.dull = bytes(byte for byte, bits in enumerate(self._met_by) if not bits)
        """Bytes that no item needs."""
        self._moves: dict[tuple[State, int], Move] = {}
        self._onward: dict[tuple[State, int, int], Onward] = {}
        self._asked: dict[tuple[State, int, int], Asked] = {}
        self._only: dict[tuple[State, frozenset[int], bool], State] = {}

    def met(self, data: bytes) -> int:
        """What items may need of a buffer, as far as it is there: bits, for `onward`."""
        rest = data.translate(None, self.dull)
        met = 0
        while len(rest) > _SHORT_BYTES:
            # A pass of C for each kind of byte, in ever less, is sooner done than an object for each byte.
            met |= self._met_by[rest[0]]
            rest = rest.translate(None, rest[:1])
        for byte in frozenset(rest):
            met |= self._met_by[byte]
        return met

    def root(self, wanted: int) -> State:
        """Where these items (bits, counted from the first item) begin."""
        return frozenset((p, 0) for p in range(len(self._group.items)) if wanted >> p & 1)

    def move(self, state: State, seen: int) -> Move:
        """What follows from the triggers seen (bits of `trigger_mask`) in a buffer at this state."""
        key = (state, seen)
        found = self._moves.get(key)
        if found is None:
            if len(self._moves) >= ENTRIES:
                self._moves.clear()
            found = self._moves[key] = self._work_out(state, seen)
        return found

    def asked(self, state: State, seen: int, met: int) -> Asked:
        """Whose way on from a buffer there is; `seen` and `met` as in `onward`."""
        key = (state, seen, met)
        found = self._asked.get(key)
        if found is None:
            if len(self._asked) >= ENTRIES:
                self._asked.clear()
            leads = [s for s in state if self._lead_of(*s, seen, met) is not None]
            hints = self._group.hints
            free = frozenset(s for s in leads if s[0] not in hints)
            found = self._asked[key] = Asked(free, tuple(sorted({p for p, _ in leads if p in hints})))
        return found

    def only(self, state: State, items: frozenset[int], coded: bool = False) -> State:
        """The part of a node that is of these items; with `coded`, of which base64 is still to be decoded."""
        key = (state, items, coded)
        found = self._only.get(key)
        if found is None:
            if len(self._only) >= ENTRIES:
                self._only.clear()
            to = self._group.coded
            some = (s for s in state if s[0] in items)
            found = self._only[key] = frozenset(s for s in some if not coded or to.get(s[0], -1) >= s[1])
        return found

    def onward(self, state: State, seen: int, met: int) -> Onward:
        """The way on from a buffer; `met` tells what is there of it (`met`), -1 where nobody looked."""
        key = (state, seen, met)
        found = self._onward.get(key)
        if found is None:
            if len(self._onward) >= ENTRIES:
                self._onward.clear()
            found = self._onward[key] = self._lead(state, seen, met)
        return found

    def _work_out(self, state: State, seen: int) -> Move:
        accept = 0
        leads = False
        for position, done in state:
            at = self._next(position, done, seen)
            if at is None or self._group.items[position].every_step:
                accept |= 1 << (self._shift + position)
            leads |= at is not None
        return Move(accept, leads)

    def _lead(self, state: State, seen: int, met: int) -> Onward:
        children: dict[str, set[tuple[int, int]]] = {}
        for position, done in state:
            at = self._lead_of(position, done, seen, met)
            if at is not None:
                children.setdefault(self._group.items[position].chain[at], set()).add((position, at + 1))
        return tuple((n, many(function_of(n)), frozenset(s)) for n, s in sorted(children.items()))

    def _lead_of(self, position: int, done: int, seen: int, met: int) -> int | None:
        """The next transformation, where it may be that something comes of it."""
        at = self._next(position, done, seen)
        return at if at is not None and self._may_match(position, at, met) else None

    def _next(self, position: int, done: int, seen: int) -> int | None:
        """The first transformation from there on that may change something."""
        chain = self._group.items[position].chain
        return next((at for at in range(done, len(chain)) if self._changes(chain[at], seen)), None)

    def _changes(self, name: str, seen: int) -> bool:
        bit = self._trigger_bit.get(name)
        return bit is None or bool(seen & bit)

    def _may_match(self, position: int, at: int, met: int) -> bool:
        needs = self._group.items[position].needs
        need = needs[at] if needs else 0
        return not need or bool(met & self._need_bit[need])
