"""Linking onto a set that is linked already: what stays of it, so that a change costs what has changed.

Compiling takes nearly all of the time of linking, and a database is compiled as a whole. A set that differs from one
before it in a few rules keeps the groups of that one; the rules that it did not have get groups of their own, with
small databases, scanned besides. A second change is linked onto the same groups, so there are never more than twice
as many. Once such a set has been linked anew as a whole (`RuleSet.patched`), it is scanned at the full speed again.

Invariant: an item says where a rule may match, never where it does. So an item of a rule that is gone may stand for
another condition of its group: what it finds is then a reason to try that one, in vain.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from revproxy.detection.link.asked import controls_of
from revproxy.detection.link.looks import changing
from revproxy.detection.link.ruleset import Group, Item, Look, RuleSet
from revproxy.detection.operators import Texts
from revproxy.detection.rules import Operator, Rule

MOST_NEW = 2
"""One rule in so many has to be the same: with fewer, what is there already is mostly scanned in vain."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of a linked set, for the rules of another one: `known` are the positions of those rules there whose
    conditions its groups have, or need not have."""

    known: frozenset[int] = frozenset()
    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()
    sieves: Mapping[tuple[int, int], str] = field(default_factory=dict)
    compiled: Mapping[str, bytes] = field(default_factory=dict)
    texts: Mapping[Operator, Texts] = field(default_factory=dict)
    stale: bool = False
    """Whether the groups have items of other rules as well."""


NOTHING = Kept()


def onto(before: RuleSet, rules: Sequence[Rule]) -> Kept:
    """What stays of `before`; nothing where few rules are the same, or where rules change other fields now."""
    if changing(controls_of(before.rules)) != changing(controls_of(rules)):
        return NOTHING
    whole = before.groups[: len(before.groups) - before.added]
    moved = _moved(before, whole, rules)
    groups = tuple(kept for group in whole if (kept := _kept(group, moved)) is not None)
    known = frozenset(moved.values())
    if not groups or len(known) * MOST_NEW < len(rules):
        return NOTHING
    sieves = {(moved[rule], at): key for (rule, at), key in before.sieves.items() if rule in moved}
    operators = {o for at in known for c in rules[at].conditions for o in c.operators}
    names = {rules[at].id for at in known}
    keys = RuleSet((), "", groups, (), {}, {}, sieves=sieves).keys
    return Kept(
        known,
        groups,
        tuple(note for note in before.notes if note.partition(": ")[0] in names),
        sieves,
        {key: before.compiled[key] for key in keys},
        {o: texts for o, texts in before.texts.items() if o in operators},
        before.stale or any(item.rule not in moved for group in whole for item in group.items),
    )


def _moved(before: RuleSet, whole: Sequence[Group], rules: Sequence[Rule]) -> dict[int, int]:
    """Where rules of the set before stand now: those that are scanned for as they were, in its first groups or not
    at all."""
    added = {item.rule for group in before.groups[len(whole) :] for item in group.items}
    places = {_scanned(rule): at for at, rule in enumerate(rules)}
    found = {at: places.get(_scanned(rule)) for at, rule in enumerate(before.rules) if at not in added}
    return {at: place for at, place in found.items() if place is not None}


def _scanned(rule: Rule) -> Hashable:
    """What decides how a rule is scanned for, and who it is."""
    conditions = tuple((c.targets, c.transformations, c.operators, c.every_step) for c in rule.conditions)
    return rule.id, rule.protocols, conditions


def _kept(group: Group, moved: Mapping[int, int]) -> Group | None:
    """The group for rules that stand elsewhere; None where none of its rules is there any more."""
    alive = next((item for item in group.items if item.rule in moved), None)
    if alive is None:
        return None
    return replace(group, items=tuple(_item(item, alive, moved) for item in group.items))


def _item(item: Item, alive: Item, moved: Mapping[int, int]) -> Item:
    """An item, or in the place of one whose rule is gone what stands for the condition of one that is `alive`."""
    if item.rule in moved:
        return replace(item, rule=moved[item.rule])
    # Nothing is ever found for an item that has no pattern and is not tried.
    return replace(item, rule=moved[alive.rule], condition=alive.condition, look=Look.SCAN)
