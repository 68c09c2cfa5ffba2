"""Watching rules while they run, to tell a person which of them matched, on what, and what they did.

A watched engine does what any engine does, more slowly. How it is told does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from revproxy.detection.engine.effects import Doing
from revproxy.detection.engine.executor import Hit, Program, Step
from revproxy.detection.engine.state import NOTHING, Accepted, Lost, Scene, State
from revproxy.detection.link.chosen import Chooser
from revproxy.detection.link.sieves import Place
from revproxy.detection.operators import Captures, Texts
from revproxy.detection.rules import Condition, Operator, Rule

Change = tuple[bytes, bytes | None, bytes | None]
"""A variable, and its value before and after; None where there is none."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value that a condition accepted. `original` is as it stood in the field, `value` as the operator saw it;
    `span` is the place of the match in `value`, `captures` the match and its groups, for operators that capture."""

    field: str
    key: bytes
    original: bytes
    value: bytes
    span: tuple[int, int] | None
    captures: Captures


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that matched: for each condition what it accepted, and the variables that it changed."""

    rule: Rule
    found: tuple[tuple[Found, ...], ...]
    changes: tuple[Change, ...]
    hit: Hit
    state: State


class Watch:
    """Give `program` to an engine; `take` tells what fired since the last time, in the order in which it did."""

    def __init__(self) -> None:
        self._fired: list[Fired] = []

    def program(
        self, rule: Rule, at: int, chooser: Chooser, last_matters: bool, texts: Mapping[Operator, Texts]
    ) -> Program:
        """A rule that is watched."""
        found: list[tuple[Found, ...]] = []
        return _Watched(self._fired, found, rule, at, chooser, last_matters, texts)

    def take(self) -> list[Fired]:
        """Of the last transaction. What the engine tried out beside it has another state, and is left out."""
        fired = [one for one in self._fired if one.state is self._fired[-1].state]
        self._fired.clear()
        return fired


class _Watched(Program):
    """One rule."""

    __slots__ = ("_fired", "_found")

    def __init__(
        self,
        fired: list[Fired],
        found: list[tuple[Found, ...]],
        rule: Rule,
        at: int,
        chooser: Chooser,
        last_matters: bool,
        texts: Mapping[Operator, Texts],
    ) -> None:
        super().__init__(rule, at, chooser, last_matters, texts, partial(_WatchedStep, found))
        self._fired = fired
        self._found = found

    def run(self, scene: Scene) -> Hit | None:
        self._found.clear()
        before = dict(scene.state.variables)
        hit = super().run(scene)
        # What the engine tries out when it is made belongs to no transaction.
        if hit is not None and scene.id:
            after = scene.state.variables
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            changes = tuple((name, before.get(name), after.get(name)) for name in names)
            self._fired.append(Fired(self.rule, tuple(self._found), changes, hit, scene.state))
        return hit


class _WatchedStep(Step):
    """One condition: as `step`, and notes what it accepts."""

    __slots__ = ("_found",)

    def __init__(
        self,
        found: list[tuple[Found, ...]],
        condition: Condition,
        only_first: bool,
        doings: Sequence[Doing],
        texts: Mapping[Operator, Texts],
        place: Place | None,
    ) -> None:
        super().__init__(condition, only_first, doings, texts, place)
        self._found = found

    def accept(self, scene: Scene, before: Sequence[Accepted], without: Sequence[Lost] = ()) -> list[Accepted]:
        accepted = super().accept(scene, before, without)
        self._found.append(tuple(self._told(one, scene, before) for one in accepted if one is not NOTHING))
        return accepted

    def _told(self, one: Accepted, scene: Scene, before: Sequence[Accepted]) -> Found:
        span = one.operator.span(one.value) if one.operator is not None else None
        captures = one.operator.groups(one.value) if one.operator is not None else ()
        return Found(one.field, one.key, self.original(one, scene, before), one.value, span, captures)
