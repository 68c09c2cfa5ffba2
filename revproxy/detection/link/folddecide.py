"""What can be said of a condition before there is a transaction: that it holds, that it fails, or nothing.

A condition is decided when it looks at nothing but variables that are known. It is tried exactly as the engine's
executor would try it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache

from revproxy.detection.link.foldstate import UNKNOWN, Value, Variables, fill
from revproxy.detection.operators import OPERATORS, Test, compile_operator
from revproxy.detection.rules import VARIABLES, Condition, Operator, Target, constant
from revproxy.detection.transformations import TRANSFORMATIONS


class Outcome(StrEnum):
    """Of a condition, whatever the transaction."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"


NEVER = Operator("noMatch")
"""Stands for an operator that cannot take what its template has become: it accepts nothing, negated or not."""


def decide(condition: Condition, variables: Variables) -> Outcome:
    """What is sure of the condition. One with effects that accepts several values is left open."""
    chosen = [t for t in condition.targets if not t.exclude]
    if not chosen:
        return Outcome.HOLDS
    if not all(_plain(t) for t in chosen) or any(t.field == VARIABLES for t in condition.targets if t.exclude):
        return Outcome.OPEN
    values: list[bytes] = []
    for target in chosen:
        value = _value(target, variables)
        if value is UNKNOWN:
            return Outcome.OPEN
        if value is not None:
            values.append(value)
    return _tried(condition, values, variables) if values else Outcome.FAILS


def _plain(target: Target) -> bool:
    return target.field == VARIABLES and target.key is not None and target.pattern is None


def _value(target: Target, variables: Variables) -> Value:
    value = variables.get((target.key or b"").lower())
    if not target.count or value is UNKNOWN:
        return value
    return b"0" if value is None else b"1"


def _tried(condition: Condition, values: Sequence[bytes], variables: Variables) -> Outcome:
    tests = _tests(condition, variables)
    if tests is None or any(name not in TRANSFORMATIONS for name in condition.transformations):
        return Outcome.OPEN
    forms = [form for value in values for form in _forms(condition, value)]
    if not any(test(form) for form in forms for test in tests):
        return Outcome.FAILS
    return Outcome.OPEN if condition.effects and len(forms) > 1 else Outcome.HOLDS


def _forms(condition: Condition, value: bytes) -> list[bytes]:
    forms = [value]
    for name in condition.transformations:
        changed = TRANSFORMATIONS[name](forms[-1])
        if changed != forms[-1]:
            forms.append(changed)
    return forms if condition.every_step else forms[-1:]


def _tests(condition: Condition, variables: Variables) -> list[Test] | None:
    """The tests of the operators; None where one is not known, or wrong, which linking says."""
    tests = []
    for operator in settled(condition, variables):
        test = _test(operator) if not operator.template and operator.name in OPERATORS else None
        if test is None:
            return None
        tests.append(test)
    return tests


@lru_cache(maxsize=4096)
def _test(operator: Operator) -> Test | None:
    try:
        return compile_operator(operator).test
    except ValueError:
        return None


def settled(condition: Condition, variables: Variables) -> tuple[Operator, ...]:
    """The operators with what is known filled in: where that is all of a template, it becomes the argument.

    They stand in the order in which they are tried, those with a template last: which of them accepts a value
    first decides what is captured.
    """
    plain = [o for o in condition.operators if not o.template]
    late = [replace(o, template=fill(o.template, variables)) for o in condition.operators if o.template]
    if not condition.capture or all(constant(o.template) is not None for o in late):
        late = [_settled(o) for o in late]
    return (*plain, *(o for o in late if not o.template), *(o for o in late if o.template))


def _settled(operator: Operator) -> Operator:
    text = constant(operator.template)
    if text is None:
        return operator
    plain = replace(operator, argument=text.decode("utf-8", "surrogateescape"), template=())
    return plain if operator.name not in OPERATORS or _test(plain) is not None else NEVER
