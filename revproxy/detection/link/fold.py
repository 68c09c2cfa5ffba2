"""Folding: rules with everything done that does not depend on a transaction.

A pure function from rules to fewer rules, and the variables that every transaction then begins with. What is left
behaves as what was given: the same rules match that have a face, say the same, leave the same variables and ask for
the same. Two things differ: a finding may be named by another condition of a chain, since those that always hold are
gone, and variables that nobody asks for may be missing.

What rules mean is said in `engine.executor`, how they follow one another in `foldcourse`. A rule that denies does not
end its phase. The order of variables among themselves does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from revproxy.detection.link.foldcourse import Course, course_of
from revproxy.detection.link.folddraft import Draft
from revproxy.detection.link.foldhoist import hoist
from revproxy.detection.link.foldpurpose import purposeful
from revproxy.detection.link.foldwalk import Walk
from revproxy.detection.rules import Marker, Rule
from revproxy.model import Phase

Entry = Rule | Marker
Phases = Callable[[Rule], Phase]
_NOTHING: Mapping[bytes, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Folded:
    """`rules` are left, with their markers; `removed` says by id why the others are not. Every transaction begins
    with `variables`. `notes` say what could not be folded."""

    rules: tuple[Entry, ...]
    variables: Mapping[bytes, bytes]
    removed: Mapping[str, str]
    notes: tuple[str, ...] = ()


def own_phase(rule: Rule) -> Phase:
    """The phase that a rule names."""
    return rule.phase


def fold(
    listed: Sequence[Entry],
    given: Mapping[bytes, bytes] = _NOTHING,
    keep: frozenset[bytes] = frozenset(),
    phases: Phases = own_phase,
    excluded: Collection[frozenset[str]] = (),
) -> Folded:
    """Fold rules, in file order.

    `given` are variables that a configuration sets before all rules; `keep` names of variables that somebody asks for
    at the end of a transaction; `phases` says in which phase a rule really runs; each of `excluded` are rules, by id,
    that may all be out of a transaction from its beginning. Raises RuleError for a jump to
    nowhere and for an effect on rules that cannot be chosen. What is wrong with rules that are folded away is not
    seen by anybody after this. Where rules with variables are for different protocols, little is known of any.
    """
    course = course_of(listed, phases)
    walk = Walk(course, given, excluded)
    walk.run()
    asked = frozenset(name.lower() for name in keep)
    begin = hoist(walk.folder.events, given, asked)
    left, purposes = purposeful(walk.drafts, asked)
    kept = {course.order[draft.place]: draft for draft in left}
    reasons = {course.order[draft.place]: draft.reason() for draft in walk.drafts}
    reasons |= {course.order[place]: reason for place, reason in walk.removed.items()}
    return Folded(
        rules=tuple(_listed(listed, course, kept, phases)),
        variables={name: value for name, value in begin.items() if purposes.asked(name)},
        removed={rule.id: reasons[at] for at, rule in enumerate(course.rules) if at not in kept},
        notes=tuple(walk.folder.notes),
    )


def _listed(listed: Sequence[Entry], course: Course, kept: Mapping[int, Draft], phases: Phases) -> Iterator[Entry]:
    """What is left, in file order, with a marker wherever a rule goes on behind one that is gone."""
    rebuilt = {at: _placed(draft, phases) for at, draft in kept.items()}
    wanted = {rule.skip_after.lower() for rule in rebuilt.values()}
    behind: dict[int, list[Marker]] = {}
    for at, draft in kept.items():
        if draft.target is not None and draft.rule.skip and not draft.rule.skip_after:
            behind.setdefault(course.jumps[at], []).append(Marker(rebuilt[at].skip_after))
    number = 0
    for entry in listed:
        if isinstance(entry, Marker):
            yield entry
            continue
        yield from behind.get(number, ())
        if number in rebuilt:
            yield rebuilt[number]
        elif entry.id.lower() in wanted:
            yield Marker(entry.id)
        number += 1
    yield from behind.get(number, ())


def _placed(draft: Draft, phases: Phases) -> Rule:
    """The rule that is left, in the phase in which it ran. One that passes over a number of rules goes on at a marker
    of its own instead."""
    rule = draft.rebuilt()
    phase = phases(draft.rule)
    if phases(rule) is not phase:
        rule = replace(rule, phase=phase)
    return replace(rule, skip=0, skip_after=f"past {rule.id}") if rule.skip and not rule.skip_after else rule
