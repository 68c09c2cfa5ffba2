"""Whether what a rule captures can be noticed outside of it.

Nearly every rule that looks at the variables `0` to `9` has filled them itself, in the same chain. Where all do, a
capture in a chain that then fails is no effect, and the chain need not be run for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from revproxy.detection.rules import VARIABLE_NAMES, VARIABLES, Condition, Reference, Rule, SetVariable, Template

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
    targets = (
        t.field == VARIABLE_NAMES or (t.field == VARIABLES and (t.key is None or t.key in _DIGITS))
        for t in condition.targets
        if not t.exclude
    )
    return any(targets) or any(_refers(o.template) for o in condition.operators)


def _refers(template: Template) -> bool:
    return any(isinstance(p, Reference) and p.field == VARIABLES and p.key in _DIGITS for p in template)
