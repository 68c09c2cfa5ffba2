"""Rules for folding in few words: quiet ones of phase HEAD, unless more is said."""

from __future__ import annotations

from builders import HTTP

from revproxy.detection.rules import Assign, Condition, Operator, Reference, Rule, SetVariable, Target
from revproxy.model import Phase, Protocol, Severity

SMTP = frozenset({Protocol.SMTP})
HEAD, BODY, REPLY_HEAD, REPLY_BODY, LOG = Phase


def when(field, operator="unconditionalMatch", *effects, **more):
    """`field`: `tx:a`, `&tx:a`, `tx/^a/`, `args`, or nothing; operator: `!eq 1`."""
    targets = ()
    if field:
        name, _, key = field.lstrip("&").partition(":")
        pattern = None
        if "/" in name:
            name, pattern = name.split("/")[:2]
        targets = (Target(name, key.encode() if key else None, pattern, field.startswith("&")),)
    name, _, argument = operator.partition(" ")
    made = Operator(name.lstrip("!"), argument, name.startswith("!"))
    if "%" in argument:
        made = Operator(made.name, "", made.negated, template(argument))
    return Condition(targets, (made,) if targets else (), effects=effects, **more)


def template(text):
    """`a%{tx.b}c` with `%b%` for the variable `b`, `%args:x%` for a field, `%matched.one%`."""
    parts = []
    for number, piece in enumerate(text.split("%")):
        if number % 2 == 0:
            parts += [piece.encode()] if piece else []
        elif ":" in piece or "." in piece:
            field, _, key = piece.partition(":")
            parts.append(Reference(field, key.encode() if key else None))
        else:
            parts.append(Reference("tx", piece.encode()))
    return tuple(parts)


def put(name, value="1", how="="):
    return SetVariable(template(name), Assign(how), template(value))


def written(name, *conditions, phase=HEAD, protocols=HTTP, logs=False, score=0, message="m", **more):
    return Rule(name, protocols, phase, conditions, Severity.NOTICE, score, message, logs=logs, **more)


def at_run(name, field="args", operator="rx x", *effects, **more):
    """A rule that depends on the transaction."""
    return written(name, when(field, operator, *effects), **more)


def left(folded):
    return [entry.id for entry in folded.rules if isinstance(entry, Rule)]


def only(folded):
    (entry,) = [entry for entry in folded.rules if isinstance(entry, Rule)]
    return entry


def delayed(rule):
    """As if arguments came with the body."""
    late = any(t.field == "args" for c in rule.conditions for t in c.targets)
    return max(rule.phase, BODY) if late else rule.phase
