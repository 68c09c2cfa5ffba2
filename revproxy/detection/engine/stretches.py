"""Stretches of rules whose outcome is remembered.

What a rule does that looks at nothing but variables and a few steady fields follows from those (`inputs`). Where
several such rules stand side by side in a run, what they leave all together is kept by their inputs, and put in place
the next time. The state of a transaction has a mark as long as it is known which state that is: every transaction
begins with the same one, and an outcome that was kept leads to another. Where other rules have changed the state, the
variables that matter are looked at instead.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Final

from revproxy.detection.engine.effects import MOST_VARIABLES, read_as
from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.inputs import Inputs, inputs_of, names_in
from revproxy.detection.engine.reading import keys_of, names_of
from revproxy.detection.engine.running import START, Fired, Place, Runner
from revproxy.detection.engine.state import Lost, Scene
from revproxy.detection.link import RuleSet
from revproxy.detection.link.chosen import losing_rules
from revproxy.detection.rules import Control
from revproxy.model import Action, Fields, Phase, Protocol

RUNS = 4096
"""Most runs (lists of rules) of which the stretches are kept; beyond, it begins anew."""
OUTCOMES = 512
"""Most outcomes of one stretch."""
INPUT_BYTES = 1024
"""With more bytes of inputs an outcome is not kept."""
MARKS: Final = 4096
"""Most states of which it is remembered what led to them."""
_PROCESSOR: Final = Control.BODY_PROCESSOR

Key = tuple[Hashable, ...]
Rules = tuple[Protocol, tuple[int, ...]]
"""The phase of a rule depends on the protocol."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stretch leaves behind."""

    variables: dict[bytes, bytes]
    gone: tuple[bytes, ...]
    anew: frozenset[bytes]
    """Variables that were set or unset: what rules had added to them is no matter any more."""
    removed: frozenset[int]
    lost: tuple[tuple[frozenset[int], Lost], ...]
    controls: tuple[tuple[Control, str], ...]
    over: frozenset[Phase]
    touched: bool
    mark: Hashable
    place: Place
    fired: tuple[Fired, ...]


class Stretch:
    """Rules that stand side by side in a run; with `inputs` its outcomes are kept."""

    __slots__ = ("_fields", "_members", "_passed", "_variables", "ids", "outcomes", "remembers", "rules")

    def __init__(
        self, rules: Sequence[int], ids: Collection[str], inputs: Sequence[Inputs], names: frozenset[bytes]
    ) -> None:
        """`names` are the variables that stand in the rules of the set."""
        self.rules = tuple(rules)
        self.ids = frozenset(ids)
        self.remembers = bool(inputs)
        self._members = frozenset(rules)
        fields = {r for one in inputs for r in one.fields}
        self._fields = sorted(((r.field, r.key) for r in fields), key=lambda f: (f[0], f[1] or b""))
        self._variables = sorted(frozenset[bytes]().union(*(one.variables for one in inputs)))
        others = [one.others for one in inputs if one.others is not None]
        self._passed = names.difference(*others) if others else None
        self.outcomes: dict[Key, Outcome] = {}

    def key(self, scene: Scene, place: Place) -> Key | None:
        """The inputs; None where they cannot be told."""
        state = scene.state
        if not all(rules.isdisjoint(self._members) for rules, _ in state.lost):
            return None
        key: list[Hashable] = [state.mark, place, state.enforces]
        if state.mark is None:
            if state.over or len(state.variables) > MOST_VARIABLES // 2:
                return None
            key += (frozenset(state.removed), *state.controls.items())
            variables = state.variables
            key += [variables.get(name) for name in self._variables]
            if self._passed is not None:
                key += [item for item in state.variables.items() if item[0] not in self._passed]
        key += [_values(scene.fields, name, wanted) for name, wanted in self._fields]
        return tuple(key)


def _values(fields: Fields, name: str, wanted: bytes | None) -> tuple[bytes, ...]:
    """The values that matter; of a field with keys, each behind its key."""
    base = names_of(name)
    if base is not None:
        return tuple(keys_of(fields, base))
    keys, values = fields.get(name) or ((), ())
    if not keys:
        return tuple(values)
    if wanted is None:
        return (*keys, *values)
    places = _places(tuple(keys), wanted)
    return tuple([part for at in places for part in (keys[at], values[at])])


@lru_cache(maxsize=1024)
def _places(keys: tuple[bytes, ...], wanted: bytes) -> tuple[int, ...]:
    """Where this key stands, however it is written. Names of header fields come in few sets."""
    return tuple(at for at, key in enumerate(keys) if key.lower() == wanted)


class Stretches:
    """Runs rules of one set, and remembers. For one thread."""

    def __init__(
        self, ruleset: RuleSet, programs: Sequence[Program], idle: frozenset[int], remembers: bool = True
    ) -> None:
        self._runner = Runner(ruleset, programs, idle)
        self._ids = [rule.id for rule in ruleset.rules]
        self._telling = frozenset(at for at, rule in enumerate(ruleset.rules) if rule.logs or rule.score)
        self._names = names_in(ruleset.rules, ruleset.variables)
        steady = remembers and not ruleset.last_matters
        confirmed = _confirmed(ruleset)
        self._inputs = [
            inputs_of(rule, self._names, at in confirmed) if steady and at not in self._runner.adding else None
            for at, rule in enumerate(ruleset.rules)
        ]
        self._leaps = _leaps(ruleset) if steady else {}
        self._kinds = [None if one is None else any(r.key is not None for r in one.fields) for one in self._inputs]
        """Of each rule: None where it is not remembered, else whether it looks at values of header fields. Those
        change more often than names of fields, and are kept apart for it."""
        self._marks: dict[Key, Hashable] = {}
        self._known: dict[Rules, tuple[Stretch, ...]] = {}
        self._stretches: dict[Rules, Stretch] = {}

    def run(self, rules: Sequence[int], protocol: Protocol, scene: Scene, known: frozenset[str]) -> list[Fired]:
        """Run these rules, in order, but for those with a `known` id: what matched of those that log or score."""
        key = (protocol, tuple(rules))
        stretches = self._known.get(key)
        if stretches is None:
            stretches = self._divided(key)
        place = START
        fired: list[Fired] = []
        for stretch in stretches:
            remembered = stretch.remembers and (not known or known.isdisjoint(stretch.ids))
            inputs = stretch.key(scene, place) if remembered else None
            outcome = stretch.outcomes.get(inputs) if inputs is not None else None
            if outcome is not None:
                place = _put(outcome, scene)
                fired += outcome.fired
            elif inputs is not None:
                outcome = self._learn(stretch, inputs, protocol, scene, place)
                place = outcome.place
                fired += outcome.fired
            else:
                place, found = self._runner.run(stretch.rules, protocol, scene, place, known)
                fired += [one for one in found if one.at in self._telling]
        return fired

    def _divided(self, key: Rules) -> tuple[Stretch, ...]:
        """Which of them stand side by side and can be remembered, and which cannot."""
        if len(self._known) >= RUNS:
            self._known.clear()
            self._stretches.clear()
        parts: list[list[int]] = []
        protocol, rules = key
        for at in self._leaping(rules, protocol):
            if parts and self._kinds[at] is self._kinds[parts[-1][0]]:
                parts[-1].append(at)
            else:
                parts.append([at])
        divided = self._known[key] = tuple(self._stretch((protocol, tuple(part))) for part in parts)
        return divided

    def _leaping(self, rules: Sequence[int], protocol: Protocol) -> Iterator[int]:
        """These rules without those that would leap over none of them, as nothing comes of that."""
        phases = self._runner.phases[protocol]
        for number, at in enumerate(rules):
            to, then = self._leaps.get(at), rules[number + 1 : number + 2]
            if to is None or (then and then[0] < to and phases[then[0]] is phases[at]):
                yield at

    def _stretch(self, key: Rules) -> Stretch:
        rules = key[1]
        found = self._stretches.get(key)
        if found is None:
            inputs = [one for at in rules if (one := self._inputs[at]) is not None]
            found = self._stretches[key] = Stretch(rules, {self._ids[at] for at in rules}, inputs, self._names)
        return found

    def _learn(self, stretch: Stretch, key: Key, protocol: Protocol, scene: Scene, place: Place) -> Outcome:
        """Run them, and keep what they leave."""
        state = scene.state
        before, removed, lost = dict(state.variables), set(state.removed), len(state.lost)
        controls, added = dict(state.controls), state.added
        # An effect that sets a variable anew takes its entry out: none that was there is left of it then.
        state.added = {name: {} for name in before}
        place, fired = self._runner.run(stretch.rules, protocol, scene, place, ())
        anew = frozenset(before.keys() - state.added.keys())
        state.added = {name: most for name, most in added.items() if name not in anew}
        stayed = _stayed(before, state.variables)
        changed = {k: v for k, v in state.variables.items() if k not in stayed or before[k] != v}
        gone = tuple(name for name in before if name not in stayed)
        less = frozenset(state.removed - removed)
        asked = tuple([item for item in state.controls.items() if controls.get(item[0]) != item[1]])
        if state.mark is None and key[0] is not None:
            left = (*changed.items(), gone, anew, less, *state.lost[lost:], *asked, state.over, state.touched)
            state.mark = self._mark((key[0], *left))
        outcome = Outcome(
            changed,
            gone,
            anew,
            less,
            tuple(state.lost[lost:]),
            asked,
            state.over,
            state.touched,
            state.mark,
            place,
            tuple(one for one in fired if one.at in self._telling),
        )
        if _size(key) <= INPUT_BYTES:
            if len(stretch.outcomes) >= OUTCOMES:
                stretch.outcomes.clear()
            stretch.outcomes[key] = outcome
        return outcome

    def _mark(self, left: Key) -> Hashable:
        """What the state is known by that follows from another one, by its mark and what changed: the same for the
        same, so that what comes after need not be learnt again."""
        if _size(left) > INPUT_BYTES:
            return object()
        mark = self._marks.get(left)
        if mark is None:
            if len(self._marks) >= MARKS:
                self._marks.clear()
            mark = self._marks[left] = object()
        return mark


def _confirmed(ruleset: RuleSet) -> frozenset[int]:
    """Rules that run only where a scan found their first condition, and that never lose a target."""
    scanned = {item.rule for group in ruleset.groups for item in group.items if not item.condition}
    return frozenset(scanned) - losing_rules(ruleset.rules)


def _leaps(ruleset: RuleSet) -> dict[int, int]:
    """Rules that do nothing but leap, and the positions to which they do."""
    return {
        at: to
        for at, to in ruleset.jumps.items()
        if (rule := ruleset.rules[at]).action is Action.ALLOW
        and not (rule.logs or rule.score or rule.passes is not None)
        and not any(c.effects or c.capture for c in rule.conditions)
    }


def _stayed(before: Mapping[bytes, bytes], after: Iterable[bytes]) -> frozenset[bytes]:
    """The variables that stand where they stood: they were not taken out, nor put in anew behind others."""
    order = iter(before)
    return frozenset(takewhile(lambda name: name in order, after))


def _size(key: Key) -> int:
    values = (v for part in key for v in (part if isinstance(part, tuple) else (part,)))
    return sum(len(v) for v in values if isinstance(v, bytes))


def _put(outcome: Outcome, scene: Scene) -> Place:
    """Leave behind what the stretch would, and say where it would go on."""
    state = scene.state
    if state.added:
        for name in outcome.anew:
            state.added.pop(name, None)
    for control, value in outcome.controls:
        if control is _PROCESSOR:
            read_as(value, scene)
        else:
            state.ask(control, value)
    for name in outcome.gone:
        state.variables.pop(name, None)
    if outcome.variables:
        state.variables.update(outcome.variables)
    if outcome.removed:
        state.removed |= outcome.removed
    if outcome.lost:
        state.lost += outcome.lost
    state.over = outcome.over
    state.touched |= outcome.touched
    state.mark = outcome.mark
    return outcome.place
