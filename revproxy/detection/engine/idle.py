"""Rules that do nothing in a transaction in which no other rule did anything yet.

Rule sets that keep scores add them up, compare them and reset them for every transaction. Such a rule looks at
variables only, so what it does where every transaction begins can be found out once; where that is nothing, it is
passed over until something has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.state import NOTHING, Scene, State
from revproxy.detection.link import RuleSet
from revproxy.detection.rules import (
    MATCHED,
    MATCHED_NAMES,
    VARIABLE_NAMES,
    VARIABLES,
    Condition,
    Reference,
    Rule,
    SetVariable,
    Template,
)
from revproxy.model import Action, Fields

_OWN: Final = frozenset({VARIABLES, VARIABLE_NAMES})
_CHAINED: Final = _OWN | {MATCHED, MATCHED_NAMES}


def idle_rules(ruleset: RuleSet, programs: Sequence[Program]) -> frozenset[int]:
    """Positions of those rules."""
    return frozenset(
        at
        for at, rule in enumerate(ruleset.rules)
        if _looks_at_variables(rule) and _does_nothing(at, ruleset, programs)
    )


def _looks_at_variables(rule: Rule) -> bool:
    return all(_only_variables(c, _CHAINED if at else _OWN) for at, c in enumerate(rule.conditions))


def _only_variables(condition: Condition, fields: frozenset[str]) -> bool:
    texts: list[Template] = [o.template for o in condition.operators]
    for effect in condition.effects:
        if not isinstance(effect, SetVariable):
            return False
        texts += [effect.name, effect.value]
    refers = {part.field for text in texts for part in text if isinstance(part, Reference)}
    return refers <= _OWN and all(t.field in fields for t in condition.targets)


def _does_nothing(at: int, ruleset: RuleSet, programs: Sequence[Program]) -> bool:
    state = State(ruleset.variables)
    hit = programs[at].run(Scene(b"", Fields(), state))
    if state.variables != ruleset.variables or state.last is not NOTHING:
        return False
    rule = ruleset.rules[at]
    quiet = not rule.logs and not rule.score and rule.action is Action.ALLOW
    return hit is None or (quiet and rule.passes is None and at not in ruleset.jumps)
