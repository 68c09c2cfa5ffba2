"""Actions with an effect: variables, `ctl`."""

from __future__ import annotations

from collections.abc import Callable

from revproxy.detection.rules import (
    Assign,
    Chosen,
    Control,
    Effect,
    RemoveRules,
    RemoveTarget,
    SetControl,
    SetVariable,
)
from revproxy.detection.seclang.lower.context import Context
from revproxy.detection.seclang.lower.errors import Problem
from revproxy.detection.seclang.lower.fields import target_of
from revproxy.detection.seclang.lower.text import exactly
from revproxy.detection.seclang.tree import Change, Ctl, ExpireVar, InitCol, SetVar

_ASSIGN = {
    Change.SET: Assign.SET,
    Change.ADD: Assign.ADD,
    Change.SUBTRACT: Assign.SUBTRACT,
    Change.UNSET: Assign.UNSET,
}
_PERSISTENT = "collections that outlive a transaction are not there yet"
_CONTROLS = {
    "forceRequestBodyVariable": Control.FORCE_BODY,
    "requestBodyAccess": Control.BODY_ACCESS,
    "responseBodyAccess": Control.REPLY_BODY_ACCESS,
}
_ENGINES = {"on": "on", "off": "off", "detectiononly": "detect"}
Lowered = Effect | None
"""None: nothing is to be done, or something is wrong."""


def effect_of(action: SetVar | ExpireVar | InitCol | Ctl, context: Context, rule: dict[str, bytes]) -> Lowered:
    """The effect of an action; what has none here is noted, what cannot be had is noted as wrong."""
    match action:
        case SetVar():
            return _variable(action, context, rule)
        case Ctl():
            return context.attempt(action.where, lambda: _control(action, context))
        case InitCol():
            context.note(action.where, f"initcol has no effect here: {_PERSISTENT}")
        case ExpireVar():
            context.wrong(action.where, f"expirevar: {_PERSISTENT}")
    return None


def _variable(action: SetVar, context: Context, rule: dict[str, bytes]) -> SetVariable | None:
    if action.collection != "TX":
        context.wrong(action.where, f"setvar:{action.collection.lower()}: {_PERSISTENT}")
        return None
    name = context.template(action.variable, rule)
    return SetVariable(name, _ASSIGN[action.change], context.template(action.value, rule))


def _control(action: Ctl, context: Context) -> Lowered:
    option, value = action.option, action.value.value
    if option in _CONTROLS:
        return SetControl(_CONTROLS[option], value.lower().decode("latin-1"))
    if option in _MADE:
        return _MADE[option](action)
    # What has no effect anywhere was noted when it was read.
    return None


def _chosen(action: Ctl) -> Chosen:
    """The rules that an option names: by ids, by a tag, by a message."""
    if action.ids:
        return Chosen(ids=tuple((ids.first, ids.last) for ids in action.ids))
    text = (exactly(action.value.value),)
    return Chosen(messages=text) if action.option.endswith("Msg") else Chosen(tags=text)


def _remove_target(action: Ctl) -> RemoveTarget:
    if action.target is None:
        raise Problem(f"ctl:{action.option} names no variable")
    target = target_of(action.target)
    return RemoveTarget(_chosen(action), target.field, target.key, target.pattern)


def _engine(action: Ctl) -> SetControl | None:
    """None where the value is none: that was noted when it was read."""
    word = _ENGINES.get(action.value.value.decode("latin-1").lower())
    return None if word is None else SetControl(Control.ENGINE, word)


_MADE: dict[str, Callable[[Ctl], Lowered]] = {
    "ruleEngine": _engine,
    "requestBodyProcessor": lambda a: SetControl(Control.BODY_PROCESSOR, a.value.value.decode("latin-1").upper()),
    **{f"ruleRemoveBy{what}": lambda a: RemoveRules(_chosen(a)) for what in ("Id", "Tag", "Msg")},
    **{f"ruleRemoveTargetBy{what}": _remove_target for what in ("Id", "Tag", "Msg")},
}
