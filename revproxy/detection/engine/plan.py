"""What one inspection has to do, worked out once for each set of fields that are there.

Two transactions with the same fields filled need the same scans and the same rules that no scan can rule out: the
plan is remembered by that. A rule with a condition whose fields are all missing cannot match and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.gates import Counts, Gates, Looks, keys_wanted
from revproxy.detection.engine.reading import names_of
from revproxy.detection.link.chosen import losing_rules
from revproxy.detection.link.looks import REMEMBERED
from revproxy.detection.link.ruleset import Group, Item, Look, RuleSet
from revproxy.detection.rules import IN_PARTS, PSEUDO, Condition, Rule
from revproxy.model import Phase, Protocol

Source = tuple[str, bool]
"""A field that is filled, and whether its keys are meant."""


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One group's part: where values come from, and the items that matter (bits) of rules that may run."""

    group: int
    sources: tuple[Source, ...]
    items: int
    gates: tuple[Gates, ...]
    looks: tuple[Looks, ...]
    """For each source."""
    counts: tuple[Counts, ...]
    follows: tuple[tuple[tuple[int, int], int], ...] = ()
    """(rule, condition) pairs that the scans before may have hit, and the items that are of no use otherwise."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`scans` first; then the rules of `always` and those whose every item was hit, in `order`."""

    scans: tuple[GroupPlan, ...]
    always: tuple[int, ...]
    live: bool
    """Whether some of `always` may do something in a transaction in which nothing has been done yet."""
    order: Mapping[int, int]
    """Position in the run, by rule: phase first, then file."""


def present(fields: Iterable[str], name: str) -> bool:
    """Whether the field, or the one whose keys it is, is among those that are filled."""
    return (names_of(name) or name) in fields


class Planner:
    """Makes plans of one rule set."""

    def __init__(self, ruleset: RuleSet, programs: Sequence[Program], idle: frozenset[int] = frozenset()) -> None:
        """`idle` rules do nothing until another has done something."""
        self._idle = idle
        self._ruleset = ruleset
        self._programs = programs
        self.needed: dict[tuple[Protocol, int], frozenset[tuple[int, int]]] = {}
        losing = losing_rules(ruleset.rules)
        for group in ruleset.groups:
            for item in group.items:
                if item.condition > self._silent_until(ruleset.rules[item.rule]):
                    continue
                if item.look is Look.COUNT and item.rule in losing:
                    continue  # Of what is lost there are fewer: that may be just what is asked for.
                key = (group.protocol, item.rule)
                self.needed[key] = self.needed.get(key, frozenset()) | {(item.rule, item.condition)}

    def plan(self, protocol: Protocol, first: Phase, last: Phase, filled: frozenset[str], part: bool = False) -> Plan:
        """The plan for an inspection of these phases of a transaction with these fields; `part`: see `Engine`."""
        rules, phases = self._ruleset.rules, self._ruleset.phases[protocol]
        chosen = [
            at
            for at, rule in enumerate(rules)
            if protocol in rule.protocols
            and first <= phases[at] <= last
            and self._possible(rule, filled)
            and (not part or _in_parts(rule))
        ]
        order = {rule: at for at, rule in enumerate(sorted(chosen, key=lambda r: (phases[r], r)))}
        always = tuple(r for r in order if not self.needed.get((protocol, r)))
        scans = [
            plan
            for number, group in enumerate(self._ruleset.groups)
            if group.protocol is protocol and (plan := self._scan(number, group, order, filled)) is not None
        ]
        # What is remembered is looked at last: trying a value is dearer than scanning it.
        scans.sort(key=lambda scan: self._ruleset.groups[scan.group].klass in REMEMBERED)
        live = not self._idle.issuperset(always)
        return Plan(tuple(self._following(scans)), always, live, order)

    def _following(self, scans: Sequence[GroupPlan]) -> Iterator[GroupPlan]:
        """The scans, each with what it may leave out once those before it are done."""
        pairs = [self._needed_pairs(scan) for scan in scans]
        for at, scan in enumerate(scans):
            later = {pair for there in pairs[at:] for pair in there}
            decided = {pair for there in pairs[:at] for pair in there} - later
            needed = self._needed_by_rule(scan)
            # Without a hit of a later condition a rule may run, too, for what its first conditions do.
            protocol = self._ruleset.groups[scan.group].protocol
            decided = {pair for pair in decided if pair in self.needed.get((protocol, pair[0]), ())}
            follows = ((pair, bits) for pair in sorted(decided) if (bits := needed.get(pair[0], 0)))
            yield replace(scan, follows=tuple(follows))

    def _needed_items(self, scan: GroupPlan) -> Iterator[tuple[int, Item]]:
        """The scan's items without which their rules do not run, with their bits."""
        group = self._ruleset.groups[scan.group]
        for at, item in enumerate(group.items):
            needed = self.needed.get((group.protocol, item.rule), ())
            if scan.items >> at & 1 and (item.rule, item.condition) in needed:
                yield 1 << at, item

    def _needed_pairs(self, scan: GroupPlan) -> frozenset[tuple[int, int]]:
        return frozenset((item.rule, item.condition) for _, item in self._needed_items(scan))

    def _needed_by_rule(self, scan: GroupPlan) -> dict[int, int]:
        """The needed items (bits) of each rule."""
        found: dict[int, int] = {}
        for bit, item in self._needed_items(scan):
            found[item.rule] = found.get(item.rule, 0) | bit
        return found

    def _silent_until(self, rule: Rule) -> int:
        """The first condition whose match can be noticed: the last one, or one with effects."""
        last = len(rule.conditions) - 1
        if self._ruleset.last_matters:
            return 0
        capturing = self._ruleset.captures_matter
        return next((at for at, c in enumerate(rule.conditions) if c.effects or (capturing and c.capture)), last)

    def _possible(self, rule: Rule, filled: frozenset[str]) -> bool:
        return all(_has_values(c, filled) for c in rule.conditions[: self._silent_until(rule) + 1])

    def _scan(self, number: int, group: Group, order: Mapping[int, int], filled: frozenset[str]) -> GroupPlan | None:
        rules = self._ruleset.rules
        wanted: set[str] = set()
        bits = 0
        for position, item in enumerate(group.items):
            # Behind a condition that can be noticed, whether one matches is found out by running the rule.
            if item.rule in order and (item.rule, item.condition) in self.needed.get((group.protocol, item.rule), ()):
                there = {n for n in _fields(rules, item) & set(group.fields) if present(filled, n)}
                wanted |= there
                bits |= 1 << position if there or item.look is Look.COUNT else 0
        named = [(names_of(n) or n, names_of(n) is not None) for n in wanted]
        # Fields that may share one list (the arguments, and those of the query) stand side by side.
        sources = sorted(named, key=lambda s: (s[1], s[0]))
        counts = self._counts(group, order)
        if not sources and not counts:
            return None
        looks = tuple(_looks(group, rules, name + ".names" if keys else name) for name, keys in sources)
        return GroupPlan(number, tuple(sources), bits, _gates(group, rules), looks, counts)

    def _counts(self, group: Group, order: Mapping[int, int]) -> tuple[Counts, ...]:
        rows: dict[str, list[tuple[int, Callable[[Sequence[bytes]], bool]]]] = {}
        for position, item in enumerate(group.items):
            if item.look is Look.COUNT and item.rule in order:
                targets = self._ruleset.rules[item.rule].conditions[item.condition].targets
                name = next(t.field for t in targets if not t.exclude)
                base = names_of(name) or name
                counted = self._programs[item.rule].steps[item.condition].counting(base)
                rows.setdefault(base, []).append((1 << position, counted))
        return tuple(Counts(name, found) for name, found in sorted(rows.items()))


def _in_parts(rule: Rule) -> bool:
    return any((names_of(t.field) or t.field) in IN_PARTS for c in rule.conditions for t in c.targets)


def _has_values(condition: Condition, filled: frozenset[str]) -> bool:
    if not condition.targets:
        return True
    return any(t.count or t.field in PSEUDO or present(filled, t.field) for t in condition.targets if not t.exclude)


def _looks(group: Group, rules: Sequence[Rule], field: str) -> Looks:
    return Looks(field, [(1 << at, rules[i.rule].conditions[i.condition]) for at, i in enumerate(group.items)])


def _gates(group: Group, rules: Sequence[Rule]) -> tuple[Gates, ...]:
    rows: dict[str, list[tuple[int, Callable[[bytes], object]]]] = {}
    for position, item in enumerate(group.items):
        gate = keys_wanted(rules[item.rule].conditions[item.condition])
        if gate is not None:
            rows.setdefault(gate[0], []).append((1 << position, gate[1]))
    return tuple(Gates(name, found) for name, found in sorted(rows.items()))


def _fields(rules: Sequence[Rule], item: Item) -> set[str]:
    condition = rules[item.rule].conditions[item.condition]
    return {t.field for t in condition.targets if not t.exclude}
