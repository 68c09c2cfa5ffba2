"""Rules run exactly: targets, values, transformations, operators, chains.

What a rule means is decided here and nowhere else; scanning only says which rules cannot match. Invariants: the order
of targets, and of values within a field, is the order in which they are tried; the first accepted value names the
finding, except that a condition on `matched` names it more exactly. Scores and findings of a transaction do not
belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from revproxy.detection.operators import CompiledOperator, compile_operator
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import Flags, parse
from revproxy.detection.rules import FIELDS, MATCHED, Condition, Rule, Target
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.model import Fields

EXCERPT_BYTES = 512
"""Most bytes of a value that a finding carries."""
_LEAD = 128
"""Of these, so many before the match."""

Pair = tuple[bytes, bytes]
"""A key and its value."""


class Accepted(NamedTuple):
    """A value that a condition accepted, as it was after its transformations, and the operator that did."""

    field: str
    key: bytes
    value: bytes
    operator: CompiledOperator


def read(fields: Fields, name: str) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """(keys, values) of a field; of `X.names` the keys of `X`, each its own key."""
    base = names_of(name)
    if base is not None:
        keys = fields.keys(base)
        return keys, keys
    got = fields.get(name)
    return got if got is not None else ((), ())


def names_of(name: str) -> str | None:
    """The keyed field whose keys are `name`, or None when `name` is a field that somebody fills."""
    if not name.endswith(".names"):
        return None
    base = name[: -len(".names")]
    spec = FIELDS.get(base)
    return base if spec is not None and spec.keyed else None


def key_test(target: Target) -> Callable[[bytes], Any] | None:
    """Whether a key is selected by the target; None when every key is."""
    if target.key is not None:
        wanted = target.key.lower()
        return lambda key: key.lower() == wanted
    if target.pattern is not None:
        return matcher(parse(target.pattern, Flags(i=True))).test
    return None


class Selector:
    """One target less what the exclusions of its condition take out of it."""

    __slots__ = ("_key", "_out", "count", "field", "wanted")

    def __init__(self, target: Target, excluded: Sequence[Target]) -> None:
        self.field = target.field
        self.count = target.count
        self.wanted = target.key or b""
        self._key = key_test(target)
        self._out = [key_test(e) for e in excluded if e.field == target.field]

    def pairs(self, fields: Fields) -> Sequence[Pair]:
        """The selected keys and values; of a counting target the number alone."""
        keys, values = read(fields, self.field)
        if not keys:
            keys = (b"",) * len(values)
        pairs: Sequence[Pair]
        if self._key is None:
            pairs = list(zip(keys, values, strict=True))
        else:
            test = self._key
            pairs = [(k, v) for k, v in zip(keys, values, strict=True) if test(k)]
        for out in self._out:
            pairs = [] if out is None else [p for p in pairs if not out(p[0])]
        if self.count:
            return ((self.wanted, b"%d" % len(pairs)),)
        return pairs


class Step:
    """One condition. `only_first` when nothing looks at the other accepted values."""

    __slots__ = ("_chain", "_every", "_only_first", "_operators", "_selectors", "_tests", "on_matched")

    def __init__(self, condition: Condition, only_first: bool) -> None:
        excluded = [t for t in condition.targets if t.exclude]
        chosen = [t for t in condition.targets if not t.exclude]
        self.on_matched = any(t.field == MATCHED for t in chosen)
        self._selectors = [Selector(t, excluded) for t in chosen if t.field != MATCHED]
        self._chain = [TRANSFORMATIONS[name] for name in condition.transformations]
        self._operators = [compile_operator(o) for o in condition.operators]
        self._tests = [o.test for o in self._operators]
        self._every = condition.every_step
        self._only_first = only_first

    def accept(self, fields: Fields, before: Sequence[Accepted], among: Set[bytes] | None) -> list[Accepted]:
        """The accepted values, or the first of them. `among`: no other value can be accepted."""
        out: list[Accepted] = []
        if self.on_matched:
            for old in before:
                if self._try(old.field, old.key, old.value, out):
                    return out
        for selector in self._selectors:
            name = selector.field
            for key, value in selector.pairs(fields):
                if among is not None and value not in among:
                    continue
                if self._try(name, key, value, out):
                    return out
        return out

    def _try(self, name: str, key: bytes, value: bytes, out: list[Accepted]) -> bool:
        """Add what is accepted; whether that is enough."""
        for form in self._forms(value):
            for number, test in enumerate(self._tests):
                if test(form):
                    out.append(Accepted(name, key, form, self._operators[number]))
                    if self._only_first:
                        return True
                    break
        return False

    def _forms(self, value: bytes) -> Sequence[bytes]:
        if not self._every:
            for function in self._chain:
                value = function(value)
            return (value,)
        forms = [value]
        for function in self._chain:
            changed = function(value)
            if changed != value:
                forms.append(changed)
                value = changed
        return forms

    def confirms(self, value: bytes) -> bool:
        """Whether some operator accepts this one value, whatever field it stands in."""
        out: list[Accepted] = []
        self._try("", b"", value, out)
        return bool(out)


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched: which target, and the part of the value around the match."""

    field: str
    key: bytes
    value: bytes


class Program:
    """One rule, ready to run."""

    __slots__ = ("rule", "steps")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        last = len(rule.conditions) - 1
        self.steps = [
            Step(c, i == last or not any(t.field == MATCHED for t in rule.conditions[i + 1].targets))
            for i, c in enumerate(rule.conditions)
        ]

    def run(self, fields: Fields, among: Sequence[Set[bytes] | None] | None = None) -> Hit | None:
        """The hit, or None. `among` holds, for each condition, the only values that it can accept."""
        named: Accepted | None = None
        before: list[Accepted] = []
        for at, step in enumerate(self.steps):
            before = step.accept(fields, before, among[at] if among is not None else None)
            if not before:
                return None
            if named is None or step.on_matched:
                named = before[0]
        if named is None:
            return None
        return Hit(named.field, named.key, excerpt(named.value, named.operator))


def excerpt(value: bytes, operator: CompiledOperator) -> bytes:
    """At most `EXCERPT_BYTES` bytes of the value, with the beginning of the match inside."""
    if len(value) <= EXCERPT_BYTES:
        return value
    span = operator.span(value)
    at = span[0] if span is not None else 0
    first = max(0, min(at - _LEAD, len(value) - EXCERPT_BYTES))
    return value[first : first + EXCERPT_BYTES]
