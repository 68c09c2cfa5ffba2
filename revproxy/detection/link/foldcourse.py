"""The order in which rules run, as places from 0 on, and the ways past some of them.

Places are those of the phases in turn, and of the list within a phase. A transaction may come to a place without
having passed all before it: rules jump, and every phase but the first may be left out (a refusal, a lost client, an
answer of our own) or run several times (windows of a long body).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from revproxy.detection.link.jumps import jumps_of
from revproxy.detection.rules import Marker, Rule, Scope
from revproxy.model import Phase

REPEATED = frozenset({Phase.BODY, Phase.REPLY_BODY})
"""Phases that may run several times. A rule that logs or scores and has matched does not run again."""


@dataclass(frozen=True, slots=True)
class Course:
    """`order` has the rule at each place, `place` the place of each rule, `bounds` the first place of each phase and
    the first behind it. `jumps` are those that `jumps_of` found, `targets` the same as places."""

    rules: tuple[Rule, ...]
    order: tuple[int, ...]
    place: tuple[int, ...]
    bounds: dict[Phase, tuple[int, int]]
    jumps: dict[int, int]
    targets: dict[int, int]

    @property
    def end(self) -> int:
        """The place behind all rules."""
        return len(self.order)

    def passed_over(self, place: int, scope: Scope, phase: Phase) -> int:
        """Where a rule that lets pass goes on."""
        match scope:
            case Scope.REQUEST if phase <= Phase.BODY:
                return self.bounds[Phase.REPLY_HEAD][0]
            case Scope.TRANSACTION if phase < Phase.LOG:
                return self.bounds[Phase.LOG][0]
            case Scope.TRANSACTION:
                return place + 1
            case Scope.PHASE | Scope.REQUEST:
                return self.bounds[phase][1]


def course_of(listed: Sequence[Rule | Marker], phases: Callable[[Rule], Phase]) -> Course:
    """Raises RuleError for a jump to nowhere."""
    rules = tuple(entry for entry in listed if isinstance(entry, Rule))
    own = [phases(rule) for rule in rules]
    order = sorted(range(len(rules)), key=lambda at: (own[at], at))
    place = [0] * len(rules)
    for number, at in enumerate(order):
        place[at] = number
    bounds, first = {}, 0
    for phase in Phase:
        behind = first + own.count(phase)
        bounds[phase], first = (first, behind), behind
    jumps = jumps_of(listed)
    targets = {place[at]: bisect_left(order, to, *bounds[own[at]]) for at, to in jumps.items()}
    return Course(rules, tuple(order), tuple(place), bounds, jumps, targets)


class Landings:
    """Places further on at which a transaction may arrive that has passed over what lies in between."""

    __slots__ = ("_from", "_places")

    def __init__(self) -> None:
        self._from: dict[int, int] = {}
        self._places: list[int] = []

    def open(self, source: int, target: int) -> None:
        """From behind one place to another. Of several ways to the same place the longest says all."""
        if target not in self._from:
            heappush(self._places, target)
        self._from[target] = min(source, self._from.get(target, source))

    def arrive(self, place: int) -> int | None:
        """The furthest place that one may arrive from here, with nothing in between; None when there is none."""
        sources = []
        while self._places and self._places[0] <= place:
            sources.append(self._from.pop(heappop(self._places)))
        return min(sources, default=None)

    @property
    def next(self) -> int | None:
        """The nearest that is ahead."""
        return self._places[0] if self._places else None
