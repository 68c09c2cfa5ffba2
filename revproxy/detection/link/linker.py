"""Rules to a rule set: which conditions a scan can rule out, in which groups, with which databases.

A condition is an item of every group that its targets' fields are in. The order of rules, items and identifiers
depends on nothing but the rules, so that the same rules always give the same databases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from types import MappingProxyType

from revproxy.detection.link.asked import controls_of, fields_of
from revproxy.detection.link.captures import captures_matter, last_matters
from revproxy.detection.link.chains import Chain, fold, trigger_of
from revproxy.detection.link.databases import LONG_BYTES, Expression, Refused, database, is_slow, key_of
from revproxy.detection.link.hints import coded, hint
from revproxy.detection.link.jumps import jumps_of
from revproxy.detection.link.looks import REMEMBERED, changing, is_keyed, look_of, scanned_as
from revproxy.detection.link.needs import needs_of
from revproxy.detection.link.onto import NOTHING, Kept, onto
from revproxy.detection.link.patterns import CALM, CALM_WIRE, Pattern, Shape, folded, forms, heavy_form
from revproxy.detection.link.phases import phase_of
from revproxy.detection.link.progress import Tally, Told, unheard
from revproxy.detection.link.required import consumed, required, tells
from revproxy.detection.link.ruleset import Databases, DatabaseStore, Group, Item, Look, RuleSet
from revproxy.detection.link.scores import score_of
from revproxy.detection.link.sieves import Place, sieve
from revproxy.detection.link.soundness import check_library
from revproxy.detection.operators import OPERATORS, ArgumentError, Texts, check_operator, operator_texts
from revproxy.detection.operators.rx import alternation
from revproxy.detection.patterns import Node, bytesets, min_length, parse
from revproxy.detection.patterns.tree import Alt
from revproxy.detection.rules import FIELDS, MATCHED, PSEUDO, Condition, FieldClass, Marker, Operator, Rule
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.errors import Location, RuleError
from revproxy.model import Phase, Protocol

_NOWHERE = Location("")
_NO_SET: frozenset[Protocol] = frozenset()

FEW = 4
"""A transformation that at most one item in so many asks for has small databases of its own."""
KEYED = 4
"""So many items that ask for certain keys are worth databases without them."""

HINT_BYTES = 64 * 1024
"""What is longer is no hint: it costs about as much as what it saves."""

CALM_CLASSES = {FieldClass.TEXT: CALM, FieldClass.HEADER: CALM_WIRE}
"""Where joined values are often calm, and what that means there: bodies have lines and marks."""

GroupKey = tuple[Protocol, FieldClass, bool, bool]
"""Protocol, class, reply, blind."""


Made = tuple[str, bytes]
Each = Callable[[Callable[[Sequence[Expression]], Made], Iterable[Sequence[Expression]]], Iterable[Made]]
"""Does what `map` does, in any order or several at once; the results come in order."""


def link(
    listed: Sequence[Rule | Marker],
    store: DatabaseStore | None = None,
    each: Each = map,
    variables: Mapping[bytes, bytes] = MappingProxyType({}),
    detects: bool = False,
    told: Told = unheard,
    before: RuleSet | None = None,
) -> RuleSet:
    """Link rules and markers, in file order. Raises RuleError for one that cannot be enforced.

    Every transaction begins with `variables`; with `detects` no rule refuses anything. `told` hears how far it is.
    With a set from `before` only rules that it does not have are linked, and added to its groups (`onto`).

    Compiling takes nearly all of the time and needs no interpreter lock: with the `map` of a pool of threads for
    `each` it takes all processors.
    """
    check_library()
    rules = tuple(rule for rule in listed if isinstance(rule, Rule))
    kept = onto(before, rules) if before is not None else NOTHING
    check_rules(rules, kept.known)
    linker, groups, compiled = _linked(rules, kept.known, store, each, Tally(told))
    return RuleSet(
        rules=rules,
        name=_name(rules),
        groups=(*kept.groups, *groups),
        notes=(*kept.notes, *linker.notes),
        phases={p: tuple(phase_of(r, p) for r in rules) for p in Protocol},
        compiled={**kept.compiled, **compiled},
        jumps=jumps_of(listed),
        variables=dict(variables),
        fields=fields_of(rules),
        controls=controls_of(rules),
        score=score_of(rules),
        detects=detects,
        captures_matter=captures_matter(rules),
        last_matters=last_matters(rules),
        sieves={**kept.sieves, **linker.sieves},
        texts=_texts(rules, kept),
        added=len(groups) if kept.groups else 0,
        stale=kept.stale,
    )


def _texts(rules: Sequence[Rule], kept: Kept) -> dict[Operator, Texts]:
    fresh = (rule for at, rule in enumerate(rules) if at not in kept.known)
    operators = dict.fromkeys(o for rule in fresh for c in rule.conditions for o in c.operators)
    return {**kept.texts, **{o: texts for o in operators if (texts := operator_texts(o)) is not None}}


def check_rules(rules: Sequence[Rule], known: Collection[int] = ()) -> None:
    """Raises RuleError for an id that stands twice, and for a rule that cannot be enforced; those at the `known`
    positions can."""
    for at, rule in enumerate(_checked(rules)):
        if at not in known:
            _check(rule)


def _name(rules: Iterable[Rule]) -> str:
    """A hash of what the rules say; how the files that they came from were named is no part of it."""
    # A set's order differs from process to process: it is told apart, sorted.
    said = repr([(sorted(r.protocols), replace(r, protocols=_NO_SET, origin=_NOWHERE)) for r in rules])
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _linked(
    rules: tuple[Rule, ...], known: Collection[int], store: DatabaseStore | None, each: Each, tally: Tally
) -> tuple[_Linker, tuple[Group, ...], dict[str, bytes]]:
    """Link all but the known rules without the patterns that Hyperscan refuses; each round leaves some out, so there
    is a last one."""

    def made(rows: Sequence[Expression]) -> Made:
        one = database(rows, store, tally.missed)
        tally.one()
        return one

    refused: frozenset[bytes] = frozenset()
    slow = cache(lambda text: is_slow(text, store))
    while True:
        linker = _Linker(rules, refused, slow)
        linker.read(known)
        groups = linker.groups()
        # The longest first: the last one to be done is then a short one.
        wanted = sorted(linker.wanted.values(), key=lambda rows: -sum(len(e.text) for e in rows))
        tally.begin(len(wanted))
        try:
            return linker, groups, dict(each(made, wanted))
        except Refused as error:
            refused |= error.texts


def _checked(rules: Sequence[Rule]) -> Iterator[Rule]:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"rule `{rule.id}` stands twice", rule.origin)
        seen.add(rule.id)
        yield rule


def _check(rule: Rule) -> None:
    if not rule.conditions:
        raise RuleError(f"rule `{rule.id}` has no condition", rule.origin)
    for at, condition in enumerate(rule.conditions):
        try:
            _check_condition(condition, first=at == 0)
        except ValueError as error:
            raise RuleError(f"rule `{rule.id}`: {error}", rule.origin) from error


def _check_condition(condition: Condition, first: bool) -> None:
    """Raises ValueError for what the executor could not run."""
    for target in condition.targets:
        if target.field == MATCHED and first:
            raise ValueError("the first condition cannot look at `matched`")
        if target.field not in PSEUDO and target.field not in FIELDS:
            raise ValueError(f"unknown field `{target.field}`")
        if target.pattern is not None:
            check_operator(Operator("rx", target.pattern))
    for name in condition.transformations:
        if name not in TRANSFORMATIONS:
            raise ValueError(f"unknown transformation `{name}`")
    for operator in condition.operators:
        if operator.name not in OPERATORS:
            raise ValueError(f"unknown operator `{operator.name}`")
        if not operator.template:
            check_operator(operator)


@dataclass(slots=True)
class _Draft:
    """A group while it is being gathered."""

    fields: set[str] = field(default_factory=set)
    items: list[tuple[Item, tuple[Pattern, ...]]] = field(default_factory=list)
    hints: list[tuple[bytes, ...]] = field(default_factory=list)
    """For each item, where it has one (`link.hints`)."""


class _Linker:
    def __init__(self, rules: tuple[Rule, ...], refused: frozenset[bytes], slow: Callable[[bytes], bool]) -> None:
        """`refused` are patterns that Hyperscan does not take, `slow` tells which it is not to have."""
        self.rules = rules
        self._refused = refused
        self._slow = slow
        self._changing = changing(controls_of(rules))
        self.notes: dict[str, None] = {}
        self.wanted: dict[str, Sequence[Expression]] = {}
        """What each database is to hold, by key."""
        self.sieves: dict[Place, str] = {}
        self._drafts: dict[GroupKey, _Draft] = {}
        self._rewritten: dict[tuple[Operator, Shape], tuple[Pattern, ...] | None] = {}
        self._trees: dict[Operator, Sequence[Node]] = {}

    def read(self, known: Collection[int]) -> None:
        """Sort every condition that can be scanned for into its groups, but for those of the known rules."""
        for at, rule in enumerate(self.rules):
            for number, condition in enumerate(rule.conditions if at not in known else ()):
                self._condition(at, rule, number, condition)

    def _condition(self, at: int, rule: Rule, number: int, condition: Condition) -> None:
        look = None if any(t.field in self._changing for t in condition.targets) else look_of(condition)
        if look is None:
            return
        chain = self._chain(rule, condition) if look is Look.SCAN else Chain((), folded=False)
        every_step = condition.every_step and look is Look.SCAN
        item = Item(
            at, number, chain.names, every_step, look, required(condition, chain.names, partial(self._trees_of, rule))
        )
        blind = bool(item.chain) and not item.every_step and trigger_of(item.chain[0]) is None
        found: list[tuple[GroupKey, set[str], tuple[Pattern, ...]]] = []
        for key, fields in _by_group(rule, condition, blind).items():
            alphabet = CALM_CLASSES.get(key[1], CALM)
            patterns = self._patterns(rule, condition, chain, alphabet) if look is Look.SCAN else ()
            if patterns is None:
                return  # Where one group cannot look for it, no group may say that it is not there.
            found.append((key, fields, patterns))
        later = rule.conditions[number + 1 :]
        if found and look is Look.SCAN and (texts := sieve(condition, chain, found[0][2], later)):
            self.sieves[at, number] = self._database([Expression(0, text, every=True) for text in texts])
        hints = self._hint(rule, condition, chain) if found and look is Look.SCAN and not blind else ()
        for key, fields, patterns in found:
            draft = self._drafts.setdefault(key, _Draft())
            draft.fields |= fields
            draft.items.append((item, patterns))
            draft.hints.append(hints)

    def _chain(self, rule: Rule, condition: Condition) -> Chain:
        trees = [tree for operator in condition.operators for tree in self._trees_of(rule, operator)]
        return fold(condition.transformations, min(map(min_length, trees), default=0))

    def _patterns(self, rule: Rule, condition: Condition, chain: Chain, alphabet: int) -> tuple[Pattern, ...] | None:
        """The patterns of a condition; None, with a note, when it has to be tried on every value."""
        found: list[Pattern] = []
        for operator in condition.operators:
            for shape in _shapes(condition, chain, alphabet):
                patterns = self._rewritten_of(rule, operator, shape)
                if patterns is None:
                    self.notes[f"{rule.id}: a pattern is tried by google-re2 on every value"] = None
                    return None
                found += patterns
        return tuple(found)

    def _hint(self, rule: Rule, condition: Condition, chain: Chain) -> tuple[bytes, ...]:
        """The patterns of one of which a value holds a match if carrying out the chain may help; none if unknown."""
        trees = [
            tree
            for operator in condition.operators
            for shape in _shapes(condition, chain)
            for one in self._trees_of(rule, operator)
            if (tree := folded(one, shape)) is not None
        ]
        found = hint(chain.names, trees)
        rows = found.items if isinstance(found, Alt) else (found,) if found is not None else ()
        texts = tuple(text for row in rows if (text := forms(row, Shape()).joined) is not None)
        fits = sum(map(len, texts)) <= HINT_BYTES and self._refused.isdisjoint(texts)
        return texts if fits else ()

    def _rewritten_of(self, rule: Rule, operator: Operator, shape: Shape) -> tuple[Pattern, ...] | None:
        key = (operator, shape)
        if key not in self._rewritten:
            patterns = [self._forms(rule, tree, shape) for tree in self._trees_of(rule, operator)]
            known = [p for p in patterns if p is not None]
            self._rewritten[key] = tuple(known) if len(known) == len(patterns) else None
        return self._rewritten[key]

    def _trees_of(self, rule: Rule, operator: Operator) -> Sequence[Node]:
        if operator not in self._trees:
            try:
                self._trees[operator] = needs_of(operator) or ()
            except ValueError as error:
                raise RuleError(f"rule `{rule.id}`: {operator.name}: {error}", rule.origin) from error
        return self._trees[operator]

    def _forms(self, rule: Rule, tree: Node, shape: Shape) -> Pattern | None:
        """The forms that Hyperscan takes, if need be without anchors; else the one for google-re2."""
        for loose in (False, True):
            pattern = forms(tree, shape, loose)
            if self._refused.isdisjoint(pattern.texts()) and not self._is_slow(tree, pattern):
                return pattern
        pattern = heavy_form(tree, shape, self._refused)
        try:
            alternation(() if pattern.heavy is None else (pattern.heavy,))
        except ArgumentError:
            return None
        self.notes[f"{rule.id}: a pattern is looked for by google-re2"] = None
        return pattern

    def _is_slow(self, tree: Node, pattern: Pattern) -> bool:
        """Only long patterns that need no rare byte can be."""
        text = pattern.joined
        return text is not None and len(text) >= LONG_BYTES and not tells(consumed(tree)) and self._slow(text)

    def groups(self) -> tuple[Group, ...]:
        """Every group, in a fixed order; their databases are `wanted`."""
        return tuple(self._group(key, self._drafts[key]) for key in sorted(self._drafts))

    def _group(self, key: GroupKey, draft: _Draft) -> Group:
        used = sorted({n for item, _ in draft.items for n in item.chain})
        triggers = tuple(n for n in used if trigger_of(n) is not None)
        items = tuple(item for item, _ in draft.items)
        every = frozenset(range(len(items)))
        small = []
        for name in used:
            few = frozenset(p for p in every if name in items[p].chain)
            if len(few) * FEW <= len(every):
                small.append((name, self._databases(draft, triggers, few)))
        alphabet = CALM_CLASSES.get(key[1], 0) if not key[3] else 0
        databases = self._databases(draft, triggers, every, alphabet)
        conditions = [self.rules[item.rule].conditions[item.condition] for item in items]
        unkeyed = frozenset(p for p in every if not is_keyed(conditions[p], draft.fields))
        apart = key[1] in REMEMBERED and not key[3] and len(every) - len(unkeyed) >= KEYED
        hints = {
            p: self._database([Expression(0, text, every=True) for text in texts])
            for p, texts in enumerate(draft.hints)
            if texts
        }
        decoding = {p: at for p in hints if (at := coded(items[p].chain)) is not None}
        without = self._databases(draft, triggers, unkeyed, alphabet) if apart else None
        fields = tuple(sorted(draft.fields))
        return Group(*key, fields, items, triggers, databases, tuple(small), hints, decoding, without)

    def _databases(
        self, draft: _Draft, triggers: tuple[str, ...], chosen: frozenset[int], alphabet: int = 0
    ) -> Databases:
        """The databases of some of a group's items, with the triggers of their chains; `alphabet`: of calm values."""
        wanted = {n for p in chosen for n in draft.items[p][0].chain}
        rows: list[tuple[int, tuple[Pattern, ...]]]
        rows = [(number, (_trigger(name, alphabet),)) for number, name in enumerate(triggers) if name in wanted]
        rows += [(len(triggers) + position, draft.items[position][1]) for position in sorted(chosen)]
        found = [(number, p) for number, (_, patterns) in enumerate(rows) for p in patterns]
        heavy = [(number, p.heavy, p.heavy_calm) for number, p in found if p.heavy is not None]
        return Databases(
            self._database([Expression(number, p.joined) for number, p in found if p.joined is not None]),
            self._database([Expression(number, p.calm) for number, p in found if p.calm is not None and alphabet]),
            tuple(number for number, _ in rows),
            tuple((number, text) for number, text, _ in heavy),
            tuple((number, text) for number, text, calm in heavy if calm),
            bytes(bytesets.members(alphabet | bytesets.NUL)) if alphabet else b"",
        )

    def _database(self, rows: Sequence[Expression]) -> str:
        if not rows:
            return ""
        rows = tuple(dict.fromkeys(rows))
        key = key_of(rows)
        self.wanted[key] = rows
        return key


def _trigger(name: str, alphabet: int) -> Pattern:
    return forms(parse(trigger_of(name) or ""), Shape(alphabet=alphabet or CALM))


def _shapes(condition: Condition, chain: Chain, alphabet: int = CALM) -> list[Shape]:
    """What the values of a condition are like: with `every_step` also as they are before they are lowered."""
    each = sorted({chain.folded, chain.folded and not condition.every_step})
    return [Shape(one, chain.plus, alphabet) for one in each]


def _by_group(rule: Rule, condition: Condition, blind: bool) -> dict[GroupKey, set[str]]:
    """The groups in which a condition is, and the fields that it looks at in each."""
    found: dict[GroupKey, set[str]] = {}
    for target in (t for t in condition.targets if not t.exclude):
        spec = FIELDS[target.field]
        for protocol in sorted(spec.protocols & rule.protocols):
            key = (protocol, scanned_as(spec.klass), spec.phase >= Phase.REPLY_HEAD, blind)
            found.setdefault(key, set()).add(target.field)
    return found
