"""Effects carried out. Each becomes a function of the scene once, when the engine is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from revproxy.detection.engine.reading import Text, key_test
from revproxy.detection.engine.state import Lost, Scene
from revproxy.detection.link.chosen import Chooser
from revproxy.detection.operators.numbers import number
from revproxy.detection.rules import (
    BODY_TYPE,
    VARIABLE_NAMES,
    VARIABLES,
    Assign,
    Control,
    Effect,
    RemoveRules,
    RemoveTarget,
    SetControl,
    SetVariable,
    Target,
    constant,
)
from revproxy.model import Phase

Doing = Callable[[Scene], None]
_ANEW: Final = frozenset({Assign.SET, Assign.UNSET})
MOST_VARIABLES = 4096
"""Variables of a transaction: names may come from what a client sends, so that there is an end to them."""


def doing(effect: Effect, chooser: Chooser) -> Doing:
    """What the effect does, in the set of the rules that `chooser` knows."""
    match effect:
        case SetVariable():
            return _assigning(effect)
        case RemoveRules(chosen):
            return _removing(chooser.of(chosen))
        case RemoveTarget(chosen, field, key, pattern):
            return _taking(chooser.of(chosen), Lost(field, key_test(Target(field, key, pattern))))
        case SetControl(control, value):
            return _control(control, value)


def _taking(rules: frozenset[int], lost: Lost) -> Doing:
    of_variables = lost.field in (VARIABLES, VARIABLE_NAMES)

    def take(scene: Scene) -> None:
        scene.state.lost.append((rules, lost))
        scene.state.mark = None
        if of_variables:
            # A rule that looks at nothing else may do something now.
            scene.state.touch()

    return take


def _removing(rules: frozenset[int]) -> Doing:
    def remove(scene: Scene) -> None:
        scene.state.removed |= rules
        scene.state.touch()

    return remove


def _control(control: Control, value: str) -> Doing:
    if control is Control.ENGINE and value == "off":
        everything = frozenset(Phase)

        def end(scene: Scene) -> None:
            scene.state.over = everything
            scene.state.touch()

        return end

    if control is Control.BODY_PROCESSOR:
        return partial(read_as, value)

    def ask(scene: Scene) -> None:
        scene.state.ask(control, value)

    return ask


def read_as(processor: str, scene: Scene) -> None:
    """How the body will be read is known at once to rules that look at it."""
    scene.state.ask(Control.BODY_PROCESSOR, processor)
    if BODY_TYPE in scene.fields:
        scene.fields.put(BODY_TYPE, (processor.encode("ascii"),))


def _assigning(effect: SetVariable) -> Doing:
    how, fixed = effect.how, constant(effect.name)
    name, value = Text(effect.name), Text(effect.value)
    lower = None if fixed is None else fixed.lower()
    anew, unsets = how in _ANEW, how is Assign.UNSET
    sign = {Assign.ADD: 1, Assign.SUBTRACT: -1}.get(how, 0)

    def assign(scene: Scene) -> None:
        state = scene.state
        variables = state.variables
        key = name.filled(scene).lower() if lower is None else lower
        if anew and state.added:
            state.added.pop(key, None)
        if unsets:
            if variables.pop(key, None) is not None:
                state.touch()
            return
        new, before = value.filled(scene), variables.get(key)
        if sign:
            new = b"%d" % ((number(before) if before is not None else 0) + sign * number(new))
        if before != new and (before is not None or len(variables) < MOST_VARIABLES):
            variables[key] = new
            state.touch()

    return assign
