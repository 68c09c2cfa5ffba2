"""Which of the spots are proposed: those without which requests would still be denied, put together by place. Pure.

What a request would still be denied for is worked out from its records: points of findings that are left, a rule that
decided by itself, and for rules that keep a score of their own the points of their severities. It is an estimate, as
records do not hold requests; `revproxy inspect --against` tells exactly.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from revproxy.app.proposing.evidence import Demands, Evidence, Weighing
from revproxy.app.proposing.narrowing import Spot, spots
from revproxy.app.proposing.records import Denial
from revproxy.detection.rules import FIELDS
from revproxy.inspection import Policy
from revproxy.model import SEVERITY_SCORE, Phase

EXAMPLES = 3
ALONG = "nothing would pass by it without one that is in doubt"
WHOLE = "whole rules: they look at no field that can be left out"
_USELESS = "nothing would pass by it, or all of it without it"
MOST = 500
"""So many proposals are made, the best founded ones."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An exclusion: these rules do not look at that field there, or do not run there where `selector` is empty.

    It rests on `evidence`, the least of its rules'.
    """

    protocol: str
    route: str
    path: str
    selector: str
    rules: tuple[str, ...]
    evidence: Evidence
    alone: int
    """So many of the denied transactions it would let pass by itself, ..."""
    together: int
    """... and so many with the others: those without marks, or all where it has marks itself."""
    examples: tuple[Denial, ...]
    """Some of those."""
    messages: tuple[str, ...] = ()
    keys: int = 0
    """So many keys stand behind the selector's pattern."""

    @property
    def id(self) -> str:
        """The same for the same exclusion, whatever it rests on."""
        said = "\0".join((self.protocol, self.route, self.path, self.selector, *self.rules))
        return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Policies:
    """The usual one, and those of routes by name."""

    usual: Policy = field(default_factory=Policy)
    of_routes: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, one: Denial) -> Policy:
        """What a transaction was judged by."""
        return self.of_routes.get(one.route, self.usual) if one.protocol == "http" else self.usual


@dataclass(frozen=True, slots=True)
class Choice:
    """Proposals, the best founded first, and how many denials none came of, by why."""

    proposals: tuple[Proposal, ...]
    left: Counter[str]


def choose(denials: Sequence[Denial], demands: Demands, policies: Policies, bases: Mapping[str, str]) -> Choice:
    """`bases` are the paths of the routes by name."""
    weighing = Weighing(denials, demands)
    found, left = spots(denials, weighing, bases)
    kept = _weighed(found, weighing, demands, left)
    chosen = _Chooser(denials, [spot for spot, _ in kept], policies)
    order = sorted(range(len(kept)), key=lambda at: (kept[at][1].rank, _points(kept[at][0].denials[0])))
    firm = chosen.needed([at for at in order if not kept[at][1].marks], set())
    doubtful = chosen.needed([at for at in order if at not in firm], firm)
    for at in doubtful:
        spot, evidence = kept[at]
        kept[at] = (spot, replace(evidence, marks=evidence.marks or (ALONG,)))
    used = firm | doubtful
    left[_USELESS] += sum(len(spot.denials) for at, (spot, _) in enumerate(kept) if at not in used)
    made = [chosen.proposal(some, kept, firm if some[0] in firm else used) for some in _merged(used, kept)]
    made.sort(key=lambda one: (*(-part for part in one.evidence.rank), one.id))
    left[f"there are more than {MOST} proposals"] += sum(one.evidence.transactions for one in made[MOST:])
    return Choice(tuple(made[:MOST]), +left)


def _weighed(
    found: Iterable[Spot], weighing: Weighing, demands: Demands, left: Counter[str]
) -> list[tuple[Spot, Evidence]]:
    """Those that enough was denied at."""
    kept = []
    for spot in found:
        evidence = weighing.weigh(spot.denials)
        if evidence.transactions < demands.transactions:
            left[f"fewer than {demands.transactions} requests or messages"] += len(spot.denials)
            continue
        marks = evidence.marks if spot.selector else (*evidence.marks, WHOLE)
        kept.append((spot, replace(evidence, marks=marks)))
    return kept


def _merged(chosen: Collection[int], kept: Sequence[tuple[Spot, Evidence]]) -> Iterable[list[int]]:
    """Rules at the same field of the same place; what is marked apart from what is not."""
    groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for at in sorted(chosen):
        spot, evidence = kept[at]
        groups[spot.protocol, spot.route, spot.path, spot.selector, bool(evidence.marks)].append(at)
    return groups.values()


class _Chooser:
    """Knows the transactions, and by which spot each of their findings would go."""

    def __init__(self, denials: Iterable[Denial], found: Sequence[Spot], policies: Policies) -> None:
        self._spots = found
        self._policies = policies
        self._transactions: defaultdict[str, dict[tuple[str, ...], tuple[Denial, int]]] = defaultdict(dict)
        # The same record may stand in two logs.
        for one in denials:
            self._transactions[one.id][_identity(one)] = (one, -1)
        for at, spot in enumerate(found):
            for one in spot.denials:
                self._transactions[one.id][_identity(one)] = (one, at)

    def needed(self, candidates: Iterable[int], before: set[int]) -> set[int]:
        """Those of them that are needed besides `before`, the weakest tried first, so that all that can pass by them
        does."""
        order = list(candidates)
        chosen = before | set(order)
        for at in order:
            # What passes by all of them goes on passing: only what is not needed for that is taken away.
            passing = [id_ for id_ in self._touched(at) if self.passes(id_, chosen)]
            chosen.discard(at)
            if not all(self.passes(id_, chosen) for id_ in passing):
                chosen.add(at)
        return chosen - before

    def _touched(self, at: int) -> set[str]:
        return {one.id for one in self._spots[at].denials}

    def passes(self, transaction: str, *chosen: Collection[int]) -> bool:
        """Whether nothing that is left of a transaction's findings would deny it."""
        found = self._transactions[transaction].values()
        left = [one for one, at in found if not any(at in some for some in chosen)]
        some, own = next(one for one, _ in found), decides(one for one, _ in found)
        if own and any(one.rule == some.reason for one in left):
            return False
        # Points of rules that do not log stay.
        hidden = max(0, some.total - sum(one.score for one, _ in found)) if some.reason == "score" else 0
        inbound = sum(one.score for one in left if one.phase < Phase.REPLY_HEAD) + hidden
        outbound = sum(one.score for one in left if one.phase >= Phase.REPLY_HEAD)
        policy = self._policies.of(some)
        if inbound >= policy.inbound_threshold or outbound >= policy.outbound_threshold:
            return False
        declared = 0 if own or some.reason == "score" else sum(_points(one) for one in left if not one.score)
        return declared < self._policies.usual.inbound_threshold

    def proposal(self, some: Sequence[int], kept: Sequence[tuple[Spot, Evidence]], others: set[int]) -> Proposal:
        """The spots of one field and place as one proposal."""
        spot = kept[some[0]][0]
        touched = sorted(set().union(*map(self._touched, some)))
        together = [id_ for id_ in touched if self.passes(id_, others, some)]
        denials = [one for at in some for one in kept[at][0].denials]
        keys = len({one.key.lower() for one in denials}) if ":/" in spot.selector else 0
        return Proposal(
            spot.protocol,
            spot.route,
            spot.path,
            spot.selector,
            tuple(sorted({kept[at][0].rule for at in some})),
            min((kept[at][1] for at in some), key=lambda one: one.rank),
            sum(self.passes(id_, some) for id_ in touched),
            len(together),
            _examples(denials, frozenset(together)),
            tuple(dict.fromkeys(one.message for one in denials if one.message))[:EXAMPLES],
            keys,
        )


def decides(found: Iterable[Denial]) -> bool:
    """Whether a rule denied the transaction by itself, rather than by points that others gave."""
    return any(one.rule == one.reason and one.field in FIELDS for one in found)


def _identity(one: Denial) -> tuple[str, ...]:
    return (one.rule, one.field, one.key, str(one.phase))


def _points(one: Denial) -> int:
    return one.score if one.score or not one.counts else SEVERITY_SCORE[one.severity]


def _examples(denials: Iterable[Denial], passing: Collection[str]) -> tuple[Denial, ...]:
    """Some that pass: first of clients and with values that differ, as far as there are such."""
    found = {one.id: one for one in denials if one.id in passing}.values()
    clients: dict[str, Denial] = {}
    excerpts: dict[str, Denial] = {}
    for one in found:
        if one.client not in clients and one.excerpt not in excerpts:
            clients[one.client] = excerpts[one.excerpt] = one
    return tuple(dict.fromkeys([*clients.values(), *found]))[:EXAMPLES]
