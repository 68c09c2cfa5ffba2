"""Effects carried out. Each becomes a function of the scene once, when the engine is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from revproxy.detection.engine.reading import expand
from revproxy.detection.engine.state import Scene
from revproxy.detection.operators.numbers import number
from revproxy.detection.operators.rx import rx
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Control,
    Effect,
    RemoveRules,
    RemoveTarget,
    Rule,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.model import Phase

Doing = Callable[[Scene], None]
MOST_VARIABLES = 4096
"""Variables of a transaction: names may come from what a client sends, so that there is an end to them."""


def doing(effect: Effect, rules: Sequence[Rule]) -> Doing:
    """What the effect does, in a set of these rules."""
    match effect:
        case SetVariable():
            return _assigning(effect)
        case RemoveRules(chosen):
            gone = chosen_rules(chosen, rules)
            return _removing(gone)
        case RemoveTarget(chosen, field, key, pattern):
            target = Target(field, key, pattern)
            return _taking(chosen_rules(chosen, rules), target)
        case SetControl(control, value):
            return _control(control, value)


def chosen_rules(chosen: Chosen, rules: Sequence[Rule]) -> frozenset[int]:
    """Positions of the chosen rules."""
    tags = [rx(text).test for text in chosen.tags]
    messages = [rx(text).test for text in chosen.messages]

    @cache
    def tagged(tag: str) -> bool:
        return any(test(tag.encode("utf-8", "surrogateescape")) for test in tags)

    def wanted(rule: Rule) -> bool:
        number = int(rule.id) if rule.id.isdigit() else -1
        return (
            any(low <= number <= high for low, high in chosen.ids)
            or (bool(tags) and any(map(tagged, rule.tags)))
            or any(test(rule.message.encode("utf-8", "surrogateescape")) for test in messages)
        )

    return frozenset(at for at, rule in enumerate(rules) if wanted(rule))


def _taking(rules: frozenset[int], target: Target) -> Doing:
    return lambda scene: scene.state.lost.append((rules, target))


def _removing(rules: frozenset[int]) -> Doing:
    def remove(scene: Scene) -> None:
        scene.state.removed |= rules
        scene.state.touched = True

    return remove


def _control(control: Control, value: str) -> Doing:
    if control is Control.ENGINE and value == "off":
        everything = frozenset(Phase)

        def end(scene: Scene) -> None:
            scene.state.over = everything
            scene.state.touched = True

        return end
    return lambda scene: scene.state.controls.__setitem__(control, value)


def _assigning(effect: SetVariable) -> Doing:
    how, name, value = effect.how, effect.name, effect.value

    def assign(scene: Scene) -> None:
        variables = scene.state.variables
        key = expand(name, scene).lower()
        if how is Assign.UNSET:
            if variables.pop(key, None) is not None:
                scene.state.touched = True
            return
        new = expand(value, scene)
        if how is not Assign.SET:
            before, step = number(variables.get(key, b"")), number(new)
            new = b"%d" % (before + step if how is Assign.ADD else before - step)
        if variables.get(key) != new and (key in variables or len(variables) < MOST_VARIABLES):
            variables[key] = new
            scene.state.touched = True

    return assign
