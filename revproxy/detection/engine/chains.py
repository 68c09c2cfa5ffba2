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

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from revproxy.detection.engine.lists import Many, many
from revproxy.detection.link.chains import function_of
from revproxy.detection.link.ruleset import Group

Pair = tuple[int, int]
State = frozenset[Pair]
Items = frozenset[int] | tuple[int, ...]
Onward = tuple[tuple[str, Many, State], ...]
"""Forms still to be scanned: the name of a transformation, what carries it out, the node that it leads to."""
ENTRIES = 8192
"""Most entries that a table keeps; it is emptied and fills again beyond."""


class Asked(NamedTuple):
    """What of a node has a way on: the part of it of which nothing more is known, and items with a hint."""

    free: State
    hinted: tuple[int, ...]
    bits: int
    """Those of `hinted`."""


class Alike(NamedTuple):
    """Items of a node with the same chain and needs, of which as much is done."""

    chain: tuple[str, ...]
    needs: tuple[int, ...]
    done: int
    positions: tuple[int, ...]
    bits: int
    """Theirs, counted from the first item."""
    every_step: int
    """Those of items that count at every step."""


class Way(NamedTuple):
    """Items of a node that go on alike: the bit of what they need (`met_by`; 0: nothing is known), how much of their
    chain is done, and where in it is what comes next, with its name."""

    need: int
    done: int
    at: int
    name: str
    positions: tuple[int, ...]


class Move(NamedTuple):
    """What to do after a scan: items that count when they are hit (bits), and whether there is a way on."""

    accept: int
    leads: bool


class ChainTable:
    """The table of one group. Bits are those of the group's identifiers: triggers first, then items."""

    __slots__ = (
        "_alike",
        "_asked",
        "_group",
        "_kinds",
        "_moves",
        "_need_bit",
        "_only",
        "_onward",
        "_shift",
        "_span",
        "_trigger_bit",
        "_ways",
        "met_by",
        "trigger_mask",
    )

    def __init__(self, group: Group) -> None:
        self._group = group
        self._shift = len(group.triggers)
        self._trigger_bit = {name: 1 << i for i, name in enumerate(group.triggers)}
        self.trigger_mask = (1 << self._shift) - 1
        needs = sorted({need for item in group.items for need in item.needs if need})
        self._need_bit = {need: 1 << i for i, need in enumerate(needs)} | {0: 0}
        self.met_by = [sum(bit for need, bit in self._need_bit.items() if need >> byte & 1) for byte in range(256)]
        """What items may need, by the byte that meets it: bits, for `onward`."""
        self._span = 1 + max((len(item.chain) for item in group.items), default=0)
        kinds: dict[tuple[tuple[str, ...], tuple[int, ...]], int] = {}
        self._kinds = [kinds.setdefault((item.chain, item.needs), len(kinds)) * self._span for item in group.items]
        """Items with the same chain and needs go the same ways: what they do next is worked out once."""
        self._alike: dict[State, list[Alike]] = {}
        self._ways: dict[tuple[State, int], tuple[Way, ...]] = {}
        self._moves: dict[tuple[State, int], Move] = {}
        self._onward: dict[tuple[State, int, int], Onward] = {}
        self._asked: dict[tuple[State, int, int], Asked] = {}
        self._only: dict[tuple[State, Items, bool], State] = {}

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
            leads = [(p, way.done) for way in self._open(state, seen, met) for p in way.positions]
            hints = self._group.hints
            free = frozenset([pair for pair in leads if pair[0] not in hints])
            hinted = tuple(sorted({p for p, _ in leads if p in hints}))
            found = self._asked[key] = Asked(free, hinted, sum([1 << self._shift + p for p in hinted]))
        return found

    def only(self, state: State, items: Items, coded: bool = False) -> State:
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
        """The way on from a buffer; `met` tells what is there of it (`contents`), -1 where nobody looked."""
        key = (state, seen, met)
        found = self._onward.get(key)
        if found is None:
            if len(self._onward) >= ENTRIES:
                self._onward.clear()
            found = self._onward[key] = self._lead(state, seen, met)
        return found

    def _work_out(self, state: State, seen: int) -> Move:
        accept, leads = 0, False
        for alike in self._alike_in(state):
            if self._next(alike.chain, alike.done, seen) < 0:
                accept |= alike.bits
            else:
                accept |= alike.every_step
                leads = True
        return Move(accept << self._shift, leads)

    def _lead(self, state: State, seen: int, met: int) -> Onward:
        children: dict[str, list[Pair]] = {}
        for way in self._open(state, seen, met):
            children.setdefault(way.name, []).extend([(p, way.at + 1) for p in way.positions])
        return tuple((n, many(function_of(n)), frozenset(some)) for n, some in sorted(children.items()))

    def _open(self, state: State, seen: int, met: int) -> list[Way]:
        """The ways of which it may be that something comes."""
        return [way for way in self._ways_of(state, seen) if not way.need or met & way.need]

    def _ways_of(self, state: State, seen: int) -> tuple[Way, ...]:
        key = (state, seen)
        found = self._ways.get(key)
        if found is None:
            if len(self._ways) >= ENTRIES:
                self._ways.clear()
            found = self._ways[key] = tuple(self._sorted(state, seen))
        return found

    def _sorted(self, state: State, seen: int) -> Iterator[Way]:
        """The ways of a node, whatever is met."""
        for alike in self._alike_in(state):
            at = self._next(alike.chain, alike.done, seen)
            if at >= 0:
                need = self._need_bit[alike.needs[at] if alike.needs else 0]
                yield Way(need, alike.done, at, alike.chain[at], alike.positions)

    def _alike_in(self, state: State) -> list[Alike]:
        """A node by what its items have to go through: a tenth as many as there are items."""
        found = self._alike.get(state)
        if found is None:
            if len(self._alike) >= ENTRIES:
                self._alike.clear()
            found = self._alike[state] = list(self._sort(state))
        return found

    def _sort(self, state: State) -> Iterator[Alike]:
        by_kind: defaultdict[int, list[int]] = defaultdict(list)
        for position, done in state:
            by_kind[self._kinds[position] + done].append(position)
        items = self._group.items
        for kind, positions in by_kind.items():
            item = items[positions[0]]
            bits = sum([1 << p for p in positions])
            every_step = sum([1 << p for p in positions if items[p].every_step])
            yield Alike(item.chain, item.needs, kind % self._span, tuple(positions), bits, every_step)

    def _next(self, names: tuple[str, ...], done: int, seen: int) -> int:
        """The first transformation from there on that may change something; -1 where there is none."""
        for at in range(done, len(names)):
            bit = self._trigger_bit.get(names[at])
            if bit is None or seen & bit:
                return at
        return -1
