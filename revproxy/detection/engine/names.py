"""Rules that depend on nothing but the names of header fields and on variables.

Where no variable has changed yet, what such a rule does follows from the names, and names come in few sets: the
variables that it leaves are remembered, and put in place without running it. A rule that matches is always run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.reading import key_test, names_of, read
from revproxy.detection.engine.state import Scene, State
from revproxy.detection.link import RuleSet
from revproxy.detection.rules import (
    FIELDS,
    MATCHED,
    VARIABLES,
    FieldClass,
    Reference,
    Rule,
    SetVariable,
    Target,
)

WRITTEN = frozenset({"headers.written"})
"""Fields whose values are names."""
SETS = 1024
"""Most sets of names that are remembered; beyond, it begins anew."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What the rule leaves where it does not match. `wakes`: an idle rule may look at it."""

    variables: Mapping[bytes, bytes]
    wakes: bool


class NameRules:
    """The rules of one set that are remembered by names."""

    def __init__(self, ruleset: RuleSet, programs: Sequence[Program], idle: frozenset[int]) -> None:
        rules = () if ruleset.last_matters else ruleset.rules
        self._fields = {at: name for at, r in enumerate(rules) if (name := _by_names(r)) is not None}
        self._programs = programs
        targets = [t for at in idle for c in ruleset.rules[at].conditions for t in c.targets]
        self._awake = [_selects(t) for t in targets if t.field != MATCHED]
        self._known: dict[tuple[int, tuple[bytes, ...]], _Left | None] = {}

    def done(self, at: int, scene: Scene) -> bool:
        """Whether the rule needs no running: it does not match, and its variables are in place."""
        field = self._fields.get(at)
        if field is None or any(at in rules and lost.field in (field, VARIABLES) for rules, lost in scene.state.lost):
            return False
        key = (at, tuple(read(scene.fields, field)[1]))
        if key not in self._known:
            if len(self._known) >= SETS:
                self._known.clear()
            self._known[key] = self._find_out(at, scene)
        left = self._known[key]
        if left is None:
            return False
        scene.state.variables.update(left.variables)
        scene.state.touched |= left.wakes
        return True

    def _find_out(self, at: int, scene: Scene) -> _Left | None:
        before = scene.state.variables
        state = State(before)
        if self._programs[at].run(Scene(scene.id, scene.fields, state)) is not None:
            return None
        if not before.keys() <= state.variables.keys():
            return None
        new = {name: value for name, value in state.variables.items() if before.get(name) != value}
        return _Left(new, any(test(name) for test in self._awake for name in new))


def _by_names(rule: Rule) -> str | None:
    """The field whose names decide about the rule, if that is so and it has effects."""
    fields = {t.field for t in rule.conditions[0].targets}
    name = next(iter(fields), "")
    base = names_of(name)
    if len(fields) != 1 or not (name in WRITTEN or (base and FIELDS[base].klass is FieldClass.HEADER)):
        return None
    later = {t.field for c in rule.conditions[1:] for t in c.targets}
    effects = [e for c in rule.conditions for e in c.effects]
    texts = [o.template for c in rule.conditions for o in c.operators]
    texts += [t for e in effects if isinstance(e, SetVariable) for t in (e.name, e.value)]
    referred = {p.field for t in texts for p in t if isinstance(p, Reference)}
    simple = all(isinstance(e, SetVariable) for e in effects)
    return name if effects and simple and later <= {VARIABLES, MATCHED} and referred <= {VARIABLES} else None


def _selects(target: Target) -> Callable[[bytes], object]:
    test = key_test(target) if target.field == VARIABLES else None
    return test if test is not None else lambda name: True
