"""Whether what a rule captures, or accepted last, can be noticed outside of it.

Nearly every rule that looks at the variables `0` to `9` has filled them itself, in the same chain. Where all do, a
capture in a chain that then fails is no effect, and the chain need not be run for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import Flags, parse
from revproxy.detection.rules import (
    MATCHED_NAME,
    MATCHED_ONE,
    VARIABLE_NAMES,
    VARIABLES,
    Condition,
    Reference,
    Rule,
    SetVariable,
    Target,
    Template,
)

_LAST = frozenset({MATCHED_ONE, MATCHED_NAME})
_DIGITS = frozenset(b"%d" % number for number in range(10))


def captures_matter(rules: Iterable[Rule]) -> bool:
    """Whether some rule looks at what another may have captured. What only stands in messages does not count."""
    return any(_reads_of_others(rule) for rule in rules)


def _reads_of_others(rule: Rule) -> bool:
    for condition in rule.conditions:
        # Targets and operators are read before the condition captures, effects after it.
        if _looks(condition):
            return True
        if condition.capture:
            return False
        if any(_refers(e.name) or _refers(e.value) for e in condition.effects if isinstance(e, SetVariable)):
            return True
    return False


def _looks(condition: Condition) -> bool:
    targets = (_may_be_captured(t) for t in condition.targets if not t.exclude)
    return any(targets) or any(_refers(o.template) for o in condition.operators)


def _may_be_captured(target: Target) -> bool:
    if target.field not in (VARIABLES, VARIABLE_NAMES):
        return False
    if target.pattern is not None:
        return any(map(matcher(parse(target.pattern, Flags(i=True))).test, _DIGITS))
    return target.key is None or target.key in _DIGITS


def _refers(template: Template) -> bool:
    return any(isinstance(p, Reference) and p.field == VARIABLES and p.key in _DIGITS for p in template)


def last_matters(rules: Iterable[Rule]) -> bool:
    """Whether some rule refers to the value that another one accepted last."""
    return any(_refers_to_last(rule, _before_its_own(rule)) or _shows_last(rule) for rule in rules)


def refers_to_last(rule: Rule) -> bool:
    """Whether the rule refers to a value accepted last: its own has to be the last one then, not just one of them."""
    return _refers_to_last(rule, len(rule.conditions)) or _named((rule.said, rule.data))


def _shows_last(rule: Rule) -> bool:
    """Whether its message says what another rule accepted, since it accepts nothing itself."""
    return _before_its_own(rule) == len(rule.conditions) and _named((rule.said, rule.data))


def _before_its_own(rule: Rule) -> int:
    """How many conditions run before anything was accepted: those without targets accept nothing."""
    return next((at for at, c in enumerate(rule.conditions) if c.targets), len(rule.conditions))


def _refers_to_last(rule: Rule, own: int) -> bool:
    for at, condition in enumerate(rule.conditions[: own + 1]):
        # Targets and operators are read before the condition accepts, effects after it.
        texts = [operator.template for operator in condition.operators]
        if at < own:
            texts += [t for e in condition.effects if isinstance(e, SetVariable) for t in (e.name, e.value)]
        if _named(texts) or any(t.field in _LAST for t in condition.targets):
            return True
    return False


def _named(texts: Iterable[Template]) -> bool:
    return any(isinstance(part, Reference) and part.field in _LAST for text in texts for part in text)
