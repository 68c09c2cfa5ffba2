"""Effects carried out. Each becomes a function of the scene once, when the engine is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from revproxy.detection.engine.reading import expander, key_test
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
_ANEW = frozenset({Assign.SET, Assign.UNSET})
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
        scene.state.controls[control] = value
        scene.state.mark = None

    return ask


def read_as(processor: str, scene: Scene) -> None:
    """How the body will be read is known at once to rules that look at it."""
    scene.state.controls[Control.BODY_PROCESSOR] = processor
    scene.state.mark = None
    if BODY_TYPE in scene.fields:
        scene.fields.put(BODY_TYPE, (processor.encode("ascii"),))


def _assigning(effect: SetVariable) -> Doing:
    how, fixed = effect.how, constant(effect.name)
    name, value = expander(effect.name), expander(effect.value)
    lower = None if fixed is None else fixed.lower()

    def assign(scene: Scene) -> None:
        variables = scene.state.variables
        key = name(scene).lower() if lower is None else lower
        if scene.state.added and how in _ANEW:
            scene.state.added.pop(key, None)
        if how is Assign.UNSET:
            if variables.pop(key, None) is not None:
                scene.state.touch()
            return
        new = value(scene)
        if how is not Assign.SET:
            before, step = number(variables.get(key, b"")), number(new)
            new = b"%d" % (before + step if how is Assign.ADD else before - step)
        if variables.get(key) != new and (key in variables or len(variables) < MOST_VARIABLES):
            variables[key] = new
            scene.state.touch()

    return assign
