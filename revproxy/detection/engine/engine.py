"""The rule engine: fields in, findings and scores out. It has never heard of HTTP or mail.

`inspect` scans what is filled, runs the rules that the scans could not rule out, and adds what they find. Findings of
one call stand in the order of phases, then of the rules in the set. A rule is reported once in a transaction however
often its phase is inspected (windows of a long body). An engine belongs to one thread; `twin` makes one for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from revproxy.detection.engine.controls import controlled
from revproxy.detection.engine.excluding import Excluding
from revproxy.detection.engine.executor import Hit
from revproxy.detection.engine.joining import GroupScanner, keyed_items
from revproxy.detection.engine.memory import Confirm, Names, Recall, Scan
from revproxy.detection.engine.plan import GroupPlan, Plan, Planner
from revproxy.detection.engine.reading import keys_of
from revproxy.detection.engine.shared import Shared
from revproxy.detection.engine.sieving import MANY, Sieves
from revproxy.detection.engine.state import Looked, Scene, State
from revproxy.detection.engine.stretches import Stretches
from revproxy.detection.link import Group, RuleSet
from revproxy.detection.link.looks import REMEMBERED
from revproxy.detection.link.ruleset import Look
from revproxy.detection.link.sieves import Place
from revproxy.detection.operators.numbers import number
from revproxy.detection.rules import Rule
from revproxy.model import Action, Fields, Finding, Phase, Protocol, Transaction

PLANS = 2048
"""Most plans kept; more sets of fields than this make them be worked out again."""
HITS: Final = 1024
"""Most sets of items of a group of which it is kept whose they are."""

_NONE: Final = frozenset[str]()
_BODY: Final = Phase.BODY
_ALLOW: Final = Action.ALLOW
Pair = tuple[int, int]
"""A rule and one of its conditions."""
PlanKey = tuple[Protocol, Phase, Phase, bool, tuple[str, ...]]


class Engine:
    """Inspects transactions with one rule set."""

    def __init__(
        self,
        ruleset: RuleSet,
        memory_bytes: int = 4 * 1024 * 1024,
        shared: Shared | None = None,
        beside: bool = False,
    ) -> None:
        """`memory_bytes` bounds what is remembered of values seen before. `shared`: what other engines of this rule
        set have made already; one that is used in another thread than they is `beside`."""
        self.ruleset = ruleset
        self._memory_bytes = memory_bytes
        self.shared = shared or Shared(ruleset)
        self._programs = self.shared.programs
        scan_of = partial(self.shared.scan, beside=beside)
        groups = zip(ruleset.groups, self.shared.chains, strict=True)
        self._scans = [GroupScanner(group, chains, scan_of).items for group, chains in groups]
        self._names = [Names(scan) for scan in self._scans]
        self._sieves = Sieves(ruleset.sieves, scan_of)
        self._recalls = [self._recall(group, scan) for group, scan in zip(ruleset.groups, self._scans, strict=True)]
        self._pairs: list[dict[int, frozenset[tuple[int, int]]]] = [{} for _ in ruleset.groups]
        self._idle = self.shared.idle
        # What is made to be watched has to run.
        self._stretches = Stretches(ruleset, self._programs, self._idle, remembers=not self.shared.watched)
        self._planner = Planner(ruleset, self._programs, self._idle)
        self._leading = _leading(self._planner.needed)
        self._plans: dict[PlanKey, Plan] = {}
        self._excluding = Excluding(ruleset.rules)

    def _recall(self, group: Group, scan: Scan) -> Recall | None:
        """The memory of a group whose values come again."""
        if group.klass not in REMEMBERED:
            return None
        confirms = [self._confirm((i.rule, i.condition)) for i in group.items]
        remembered = sum(g.klass in REMEMBERED for g in self.ruleset.groups)
        tried = sum(1 << at for at, item in enumerate(group.items) if item.look is Look.TRY)
        return Recall(scan, confirms, self._memory_bytes // remembered, tried, keyed_items(group))

    def _confirm(self, place: Place) -> Confirm:
        """What tells whether a condition accepts a value: where that is dear, not before a scan says that it may."""
        rule, condition = place
        confirms = self._programs[rule].steps[condition].confirms
        return self._sieves.before(place, confirms) if self._sieves.knows(place, MANY) else confirms

    def twin(self) -> Engine:
        """Another engine of the same rule set, for another thread."""
        return Engine(self.ruleset, self._memory_bytes, self.shared, beside=True)

    def parts(self) -> list[object]:
        """What it is made of. Letting go of all at once takes tens of milliseconds: who holds these can let go of
        them one by one, once the engine is gone."""
        steps = [step for program in self._programs for step in program.steps]
        return [*steps, *self._programs, *self._scans, *self._recalls, *self.shared.loaded.values()]

    def inspect(self, tx: Transaction, first: Phase, last: Phase, part: bool = False) -> None:
        """Run phases `first` to `last`: append to the findings and add to the scores of the transaction.

        With `part` only rules that look at contents which come in parts run (`detection.rules.IN_PARTS`).
        """
        plan = self._plan(tx, first, last, part)
        state = tx.state
        if state is None:
            state = tx.state = self._beginning(tx)
        assert isinstance(state, State)  # nobody else puts something there
        hit: set[tuple[int, int]] = set()
        for scan in plan.scans:
            self._hits(scan, tx.fields, hit, state)
        run = self._run_of(plan, hit, tx.protocol, state)
        if run:
            self._carry_out(run, tx, state)

    def _beginning(self, tx: Transaction) -> State:
        state = State(self.ruleset.variables, tx.enforces)
        if tx.excluded:
            self._excluding.put(tx.excluded, state)
        return state

    def _run_of(self, plan: Plan, hit: set[tuple[int, int]], protocol: Protocol, state: State) -> Sequence[int]:
        """The rules to run, in order: those of which everything that can be ruled out was not."""
        run = []
        leading = self._leading[protocol] if hit else {}
        for pair in hit:
            need = leading.get(pair)
            if need is not None and (len(need) == 1 or need <= hit):
                run.append(pair[0])
        if not run:
            return plan.always if plan.live or state.touched else ()
        run += plan.always
        run.sort(key=plan.order.__getitem__)
        return run

    def _carry_out(self, run: Sequence[int], tx: Transaction, state: State) -> None:
        """Run these rules, in order, as far as those before them let it come to that."""
        scene = Scene(tx.id.encode("ascii", "replace"), tx.fields, state, self._sieves)
        known = frozenset([*(f.rule for f in tx.findings), *tx.silent]) if tx.findings or tx.silent else _NONE
        for fired in self._stretches.run(run, tx.protocol, scene, known):
            _report(tx, self.ruleset.rules[fired.at], fired.phase, fired.hit, fired.detects)
        if state.asked:
            tx.controls = controlled(tx.controls, state.controls)
            state.asked = False
        score = state.variables.get(self.ruleset.score, b"0")
        tx.scores.declared = number(score) if score != b"0" else 0

    def _hits(self, scan: GroupPlan, fields: Fields, hit: set[tuple[int, int]], state: State) -> None:
        """Add the (rule, condition) pairs that the group's values hit."""
        wanted = scan.items
        for pair, bits in scan.follows:
            if pair not in hit:
                wanted &= ~bits
        recall = self._recalls[scan.group]
        if recall is None:
            found = self._scanned(scan, fields, wanted)
        else:
            found = _remembered(scan, fields, recall, wanted, state)
        for counts in scan.counts:
            found |= counts.bits(keys_of(fields, counts.field)) & wanted
        if found:
            known = self._pairs[scan.group].get(found)
            hit.update(known if known is not None else self._pairs_of(scan.group, found))

    def _pairs_of(self, group: int, found: int) -> frozenset[tuple[int, int]]:
        """The (rule, condition) pairs of these items (bits) of a group: few sets of them come again and again."""
        known = self._pairs[group]
        if len(known) >= HITS:
            known.clear()
        items = self.ruleset.groups[group].items
        pairs = known[found] = frozenset((i.rule, i.condition) for at, i in enumerate(items) if found >> at & 1)
        return pairs

    def _scanned(self, scan: GroupPlan, fields: Fields, wanted: int) -> int:
        for gates in scan.gates:
            wanted &= ~gates.shut(fields.keys(gates.field))
        hits = 0
        values: list[bytes] = []
        before: object = None
        for name, keys in scan.sources:
            got = fields.get(name)
            if got is None or got[not keys] is before:
                continue
            before = got[not keys]
            known = self._names[scan.group].items(got[0], wanted) if keys else None
            if known is None:
                values += got[not keys]
            else:
                hits |= known
        return hits | self._scans[scan.group](values, wanted) if values else hits

    def _plan(self, tx: Transaction, first: Phase, last: Phase, part: bool = False) -> Plan:
        key = (tx.protocol, first, last, part, tuple(tx.fields))
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            plan = self._plans[key] = self._planner.plan(tx.protocol, first, last, frozenset(key[4]), part)
        return plan


def _leading(needed: Mapping[tuple[Protocol, int], frozenset[Pair]]) -> dict[Protocol, dict[Pair, frozenset[Pair]]]:
    """By protocol: what each rule needs, by the first of it."""
    leading: dict[Protocol, dict[Pair, frozenset[Pair]]] = {protocol: {} for protocol in Protocol}
    for (protocol, _), pairs in needed.items():
        leading[protocol][min(pairs)] = pairs
    return leading


def _remembered(scan: GroupPlan, fields: Fields, recall: Recall, wanted: int, state: State) -> int:
    """What an earlier phase found nothing in, that could matter now, is not looked at again."""
    looked = state.looked.get(scan.group)
    if looked is None or looked.items & wanted:
        looked = state.looked[scan.group] = Looked()
    past = looked.fields
    hits = 0
    now: dict[str, object] = {}
    values: list[bytes] = []
    masks: list[int] = []
    for looks in scan.looks:
        name = looks.name
        # Not taken apart before it is compared: compiled code makes another tuple of what it has taken apart.
        got: object = fields.get(name)
        if got is None:
            continue
        if looks.named:
            names = fields.keys(name) if looks.keys else fields.values(name)
            hits |= recall.together(name, tuple(names), looks, wanted)
        elif past.get(name) is not got:
            now[name] = got
            there = fields.values(name)
            values += there
            masks += looks.masks(fields.keys(name), len(there))
    if not values:
        return hits
    found, may = recall.items(values, masks, wanted)
    # Only now: where a scan failed, nothing was looked at.
    past.update(now)
    looked.items |= may
    return hits | found


def _report(tx: Transaction, rule: Rule, phase: Phase, hit: Hit, detects: bool) -> None:
    if phase <= _BODY:
        tx.scores.inbound += rule.score
    else:
        tx.scores.outbound += rule.score
    if not rule.logs:
        tx.silent = (*tx.silent, rule.id)
        return
    tx.findings.append(
        Finding(
            rule.id,
            phase,
            rule.severity,
            rule.score,
            hit.said.decode("utf-8", "replace") or rule.message,
            hit.field,
            hit.key,
            hit.value,
            rule.tags,
            _ALLOW if detects else rule.action,
            hit.data,
            rule.status,
            bool(hit.said),
            hit.sources,
        )
    )
