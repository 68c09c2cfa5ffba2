"""One rule with its chain to one `Rule`.

Defaults of the phase come first, then what stands with the rule; later actions of a kind win. `t:none` forgets the
transformations before it. `block` is what the default says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from revproxy.detection import seclang
from revproxy.detection.rules import Condition, Effect, Operator, Rule, Scope, Target, Template
from revproxy.detection.seclang import tree
from revproxy.detection.seclang.lower.context import Context
from revproxy.detection.seclang.lower.effects import effect_of
from revproxy.detection.seclang.lower.fields import target_of
from revproxy.detection.seclang.lower.operators import operator_of
from revproxy.model import Action, Phase, Protocol, Severity

_HTTP = frozenset({Protocol.HTTP})
_SCOPES = {b"": Scope.TRANSACTION, b"phase": Scope.PHASE, b"request": Scope.REQUEST}
_DISRUPTIVE = frozenset({"allow", "block", "deny", "drop", "pass"})
DENIED = 403
"""The status of a `deny` without one."""


@dataclass(slots=True)
class Actions:
    """What the actions of a rule come to."""

    transformations: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    texts: dict[str, tree.Macro] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    severity: int = 5
    status: int = 0
    skip: int = 0
    disruptive: str = "pass"
    scope: Scope | None = None
    logs: bool = True
    capture: bool = False
    every_step: bool = False


def read_actions(
    actions: Sequence[seclang.RuleAction], into: Actions, context: Context, rule: dict[str, bytes], default: str
) -> Actions:
    """Add actions to what is there. `default` is what `block` means."""
    for action in actions:
        match action:
            case tree.Flag(name=name):
                _flag(name, into, default)
            case tree.Number(name=name, value=value):
                _number(name, value, into)
            case tree.Words(name=name):
                _words(action, into, context)
            case tree.Transformation(transformation=name):
                if name == "none":
                    into.transformations.clear()
                else:
                    into.transformations.append(name)
            case _:
                effect = effect_of(action, context, rule)
                if effect is not None:
                    into.effects.append(effect)
    return into


def _flag(name: str, into: Actions, default: str) -> None:
    if name in _DISRUPTIVE:
        into.disruptive = default if name == "block" else name
        into.scope = Scope.TRANSACTION if name == "allow" else None
    elif name in ("log", "nolog"):
        into.logs = name == "log"
    elif name == "capture":
        into.capture = True
    elif name == "multiMatch":
        into.every_step = True


def _number(name: str, value: int, into: Actions) -> None:
    if name == "severity":
        into.severity = value
    elif name == "status":
        into.status = value
    elif name == "skip":
        into.skip = value


def _words(action: tree.Words, into: Actions, context: Context) -> None:
    if action.name == "tag":
        into.tags.append(_shown(action.value))
    elif action.name == "allow":
        into.disruptive = "allow"
        into.scope = _SCOPES[action.value.text.value.lower()]
    elif action.name in ("setsid", "setuid", "setrsc"):
        context.note(action.where, f"{action.name} has no effect here: no collection outlives its transaction")
    elif action.name == "deprecatevar":
        context.wrong(action.where, "deprecatevar: collections that outlive a transaction are not there yet")
    else:
        into.texts[action.name] = action.value


def _shown(macro: tree.Macro) -> str:
    return macro.text.value.decode("utf-8", "replace")


def rule_of(
    rule: tree.Rule,
    links: Sequence[tree.Link],
    defaults: tree.DefaultActions | None,
    more: Sequence[Target],
    context: Context,
) -> Rule | None:
    """The rule, or None when something in it is wrong. `more` are targets that directives added to its first link."""
    known = {"id": str(rule.id).encode()}
    starts = defaults.actions if defaults is not None else ()
    block = read_actions(starts, Actions(), context, known, "pass").disruptive
    made: list[Actions] = []
    conditions: list[Condition] = []
    for at, link in enumerate(links):
        into = read_actions(starts, Actions(), context, known, block)
        # `block` in the defaults of the phase itself means nothing more.
        actions = read_actions(link.actions, into, context, known, block)
        condition = _condition(link, actions, more if not at else (), context, known)
        if condition is None:
            return None
        made.append(actions)
        conditions.append(condition)
    return _rule(rule, made, conditions, context, known)


def _condition(
    link: tree.Link, actions: Actions, more: Sequence[Target], context: Context, known: dict[str, bytes]
) -> Condition | None:
    operators: tuple[Operator, ...] = ()
    if link.operator is not None:
        operator = operator_of(link.operator, context, known)
        if operator is None:
            return None
        operators = (operator,)
    targets: list[Target] = []
    for variable in link.variables:
        target = context.attempt(variable.where, partial(target_of, variable))
        if target is None:
            return None
        targets.append(target)
    return Condition(
        (*targets, *more),
        operators,
        tuple(actions.transformations),
        actions.every_step,
        actions.capture,
        tuple(actions.effects),
    )


def _rule(
    rule: tree.Rule, made: list[Actions], conditions: list[Condition], context: Context, known: dict[str, bytes]
) -> Rule:
    first, last = made[0], made[-1]
    message = first.texts.get("msg")
    data = first.texts.get("logdata")
    action = {"deny": Action.DENY, "drop": Action.DROP}.get(first.disruptive, Action.ALLOW)
    refuses = action is not Action.ALLOW
    if refuses and not first.logs:
        context.note(rule.where, "nolog has no effect here: every refusal is recorded")
    return Rule(
        id=str(rule.id),
        protocols=_HTTP,
        phase=Phase(rule.phase),
        conditions=tuple(conditions),
        severity=Severity(min(max(first.severity, Severity.CRITICAL), Severity.NOTICE)),
        score=0,
        message=_shown(message) if message is not None else "",
        tags=tuple(first.tags),
        action=action,
        # A refusal is a finding: whoever decides looks at nothing else.
        logs=first.logs or refuses,
        origin=rule.where,
        status=first.status or (DENIED if first.disruptive == "deny" else 0),
        skip=first.skip or last.skip,
        skip_after=_skip_after(first, last),
        passes=first.scope if first.disruptive == "allow" else None,
        said=() if message is None or message.fixed else _template(message, context, known),
        data=() if data is None else _template(data, context, known),
    )


def _template(macro: tree.Macro, context: Context, known: dict[str, bytes]) -> Template:
    return context.template(macro, known, logged=True)


def _skip_after(first: Actions, last: Actions) -> str:
    found = first.texts.get("skipAfter") or last.texts.get("skipAfter")
    return _shown(found) if found is not None else ""
