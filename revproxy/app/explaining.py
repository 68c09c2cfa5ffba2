"""How a verdict came about, in words: which rules matched, in which order, on what, and what each of them did.

The texts have values of requests and messages in them, secrets too: they are for an operator's own terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from revproxy.app.wording import SHOWN, effect, excerpt, operator, printable, variable_of
from revproxy.detection.engine.watching import Change, Fired, Found
from revproxy.detection.link import RuleSet
from revproxy.detection.rules import Condition, SetVariable
from revproxy.inspection import Policy
from revproxy.model import Action, Phase, Protocol
from revproxy.proxy.outcome import Outcome

_VALUES = 5
"""So many values of a condition are shown."""
_DIGITS = frozenset(b"%d" % digit for digit in range(10))


class Explainer:
    """Explains outcomes of one rule set."""

    def __init__(self, rules: RuleSet, protocol: Protocol, policy: Policy) -> None:
        phases = rules.phases[protocol]
        self._phases = {rule.id: phases[at] for at, rule in enumerate(rules.rules)}
        self._policy = policy

    def text(self, name: str, outcome: Outcome, fired: Sequence[Fired]) -> str:
        """Several lines about the item `name`."""
        status = f", status {outcome.status}" if outcome.status is not None else ""
        lines = [f"{name}: {outcome.verdict.action.value}{status}, score {outcome.score}"]
        for phase, some in groupby(fired, lambda one: self._phases[one.rule.id]):
            lines.append(f"  phase {int(phase)}, {phase.name.lower().replace('_', ' ')}")
            for one in some:
                lines += [f"    {line}" for line in _rule(one, phase)]
        if not fired:
            lines.append("  no rule matched")
        return "\n".join([*lines, f"  verdict: {self._verdict(outcome)}"])

    def _verdict(self, outcome: Outcome) -> str:
        verdict, policy = outcome.verdict, self._policy
        let = "" if verdict.enforced or verdict.action is Action.ALLOW else "; only recorded (--detect)"
        match verdict.action:
            case Action.ALLOW:
                return f"passes: {verdict.score} points, refused from {policy.inbound_threshold} on"
            case Action.REJECT:
                return f"refused before any rule: {verdict.reason}"
            case Action.DEFER:
                return f"no decision: {verdict.reason}{let}"
        if verdict.reason == "score":
            return f"{verdict.score} points reach the threshold of {policy.inbound_threshold}{let}"
        return f"rule {verdict.reason} decides by itself{let}"


def _rule(fired: Fired, phase: Phase) -> Iterator[str]:
    rule = fired.rule
    silent = "" if rule.logs else " (does not log)"
    said = printable(fired.hit.said) or rule.message
    yield f"{rule.id}{silent}: {said} [{rule.origin}]" if said else f"{rule.id}{silent} [{rule.origin}]"
    for condition, found in zip(rule.conditions, fired.found, strict=False):
        yield from (f"  {line}" for line in _condition(condition, found))
    if done := ", ".join(_done(fired, phase)):
        yield f"  -> {done}"


def _condition(condition: Condition, found: Sequence[Found]) -> Iterator[str]:
    chain = " > ".join(condition.transformations)
    for one in found[:_VALUES]:
        yield f"{_name(one)}: {excerpt(one.original, one.span if one.original == one.value else None)}"
        if one.value != one.original:
            yield f"  after {chain}: {excerpt(one.value, one.span)}"
        matched = one.captures[0] if one.captures else one.value[slice(*one.span)] if one.span is not None else b""
        if matched and matched != one.value:
            yield f"  matched: {excerpt(matched)}"
        for number, group in enumerate(one.captures[1:], 1):
            if group:
                yield f"  captured {number}: {excerpt(group)}"
    if len(found) > _VALUES:
        yield f"and {len(found) - _VALUES} values more"
    if found:
        said = " or ".join(map(operator, condition.operators))
        yield f"  by {said if len(said) <= SHOWN else said[:SHOWN] + '...'}"


def _name(found: Found) -> str:
    """`ARGS:q (args.plain)`, or our own name where SecLang has none."""
    key = f":{printable(found.key)}" if found.key else ""
    variable = variable_of(found.field)
    return f"{variable}{key} ({found.field})" if variable else f"{found.field}{key}"


def _done(fired: Fired, phase: Phase) -> Iterator[str]:
    rule = fired.rule
    if rule.score:
        yield f"adds {rule.score} to the score of {'what comes in' if phase <= Phase.BODY else 'the answer'}"
    if rule.action is not Action.ALLOW:
        yield f"refuses ({rule.action.value}{f', status {rule.status}' if rule.status else ''})"
    yield from _changes(fired.changes)
    # Variables are told as they changed.
    yield from (effect(e) for c in rule.conditions for e in c.effects if not isinstance(e, SetVariable))
    if rule.skip_after:
        yield f"goes on at {rule.skip_after}"
    if rule.passes is not None:
        yield f"lets pass what is left of the {rule.passes.value}"


def _changes(changes: Iterable[Change]) -> Iterator[str]:
    for name, before, after in changes:
        if name not in _DIGITS:
            was = "" if before is None else f" (was {excerpt(before)})"
            yield f"tx.{printable(name)} {'is gone' if after is None else f'= {excerpt(after)}'}{was}"
