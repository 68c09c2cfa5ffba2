"""Signature -> Rule: the only place that knows what the language means.

A value of the signature's fields must satisfy `any`, `all` and `not` together: the first condition looks at the
fields, those after it at the values that the first accepted. Matchers with fields of their own come last. The
first condition is what a pattern scan finds, so the most specific test stands there. No check of words here.
"""

from __future__ import annotations

from dataclasses import replace

from revproxy.detection.rules import FIELDS, MATCHED, Condition, Operator, Rule, Target
from revproxy.detection.sigyaml.load import fields_of
from revproxy.detection.sigyaml.tree import Matcher, Signature
from revproxy.model import SEVERITY_SCORE

_SEARCHED = ("rx", "pm", "contains", "beginsWith", "endsWith", "streq", "within", "detectSQLi", "detectXSS")
"""Operators that can find something by themselves, the most specific first."""


def lower(signature: Signature) -> Rule:
    """The rule of a signature."""
    score = SEVERITY_SCORE[signature.severity] if signature.score is None else signature.score
    return Rule(
        id=signature.id,
        protocols=signature.protocols,
        phase=max(FIELDS[name].phase for name in fields_of(signature)),
        conditions=tuple(_conditions(signature)),
        severity=signature.severity,
        score=score,
        message=signature.name,
        tags=signature.tags,
        action=signature.action,
        origin=signature.origin,
    )


def always_runs(rule: Rule) -> bool:
    """Whether nothing in the first condition can be searched for, so that the rule runs on every transaction."""
    first = rule.conditions[0]
    counted = any(t.count for t in first.targets)
    return counted or any(op.negated or op.name not in _SEARCHED for op in first.operators)


def _conditions(signature: Signature) -> list[Condition]:
    alternatives, rest, elsewhere = _sorted(signature)
    if not alternatives:
        alternatives, rest = (rest[0],), rest[1:]
    first = Condition(signature.fields, alternatives, signature.transformations, signature.each_step)
    same = [Condition((Target(MATCHED),), (operator,)) for operator in rest]
    return [first, *same, *elsewhere]


def _sorted(signature: Signature) -> tuple[tuple[Operator, ...], list[Operator], list[Condition]]:
    """(alternatives on the value, further tests of it, conditions on other fields)."""
    match = signature.match
    tests = [(m, m.operator) for m in sorted(match.every, key=_rank)]
    tests += [(m, replace(m.operator, negated=True)) for m in match.none]
    same = [operator for m, operator in tests if not m.fields]
    elsewhere = [Condition(m.fields, (operator,), m.transformations) for m, operator in tests if m.fields]
    return tuple(m.operator for m in match.one_of), same, elsewhere


def _rank(matcher: Matcher) -> int:
    name = matcher.operator.name
    return _SEARCHED.index(name) if name in _SEARCHED else len(_SEARCHED)
