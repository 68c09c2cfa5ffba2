"""Jumps past rules that run in a later phase than they say, because a field that they look at comes later.

A jump passes over rules of the phase that it was written for. The engine passes over those that stand in between and
run in the same phase as the rule that jumps, which nearly always are the same. Where they are not, the rule takes out
of the transaction those that it was written to pass over, and does not jump.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from revproxy.detection.link.jumps import jumps_of
from revproxy.detection.rules import Chosen, Marker, RemoveRules, Rule
from revproxy.model import Phase


def settled(listed: Sequence[Rule | Marker], phases: Callable[[Rule], Phase]) -> list[Rule | Marker]:
    """The same rules; `phases` says when each runs. Raises RuleError for a jump to nowhere."""
    rules = [entry for entry in listed if isinstance(entry, Rule)]
    own = [phases(rule) for rule in rules]
    changed = {
        rules[at].id: _taking_out(rules[at], [rules[k] for k in range(at + 1, to) if _meant(rules, own, at, k)])
        for at, to in jumps_of(listed).items()
        if any(_meant(rules, own, at, k) is not (own[k] is own[at]) for k in range(at + 1, to))
    }
    return [changed.get(entry.id, entry) if isinstance(entry, Rule) else entry for entry in listed]


def _meant(rules: Sequence[Rule], own: Sequence[Phase], at: int, other: int) -> bool:
    """Whether a rule that stands between another and where that goes on is to be passed over, and still to come."""
    return rules[other].phase is rules[at].phase and own[other] >= own[at]


def _taking_out(rule: Rule, others: Sequence[Rule]) -> Rule:
    chosen = Chosen(tuple((int(other.id), int(other.id)) for other in others))
    effects = (RemoveRules(chosen),) if others else ()
    last = rule.conditions[-1]
    conditions = (*rule.conditions[:-1], replace(last, effects=(*last.effects, *effects)))
    return replace(rule, conditions=conditions, skip=0, skip_after="")
