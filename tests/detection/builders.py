"""Rules and transactions for tests, in few words."""

from __future__ import annotations

from revproxy.detection.rules import Condition, Operator, Rule, Target
from revproxy.model import Phase, Protocol, Severity, Transaction

HTTP = frozenset({Protocol.HTTP})
BOTH = HTTP | {Protocol.SMTP}


def condition(fields, *operators, chain=(), every_step=False):
    """`fields`: names or targets; operators: `("rx", "a")`, `("!rx", "a")`."""
    targets = tuple(Target(f) if isinstance(f, str) else f for f in fields)
    made = tuple(Operator(n.lstrip("!"), a, n.startswith("!")) for n, a in operators)
    return Condition(targets, made, tuple(chain), every_step)


def rule(name, *conditions, phase=Phase.BODY, protocols=HTTP, score=5, **more):
    return Rule(name, protocols, phase, tuple(conditions), Severity.CRITICAL, score, "test", **more)


def simple(name, pattern, *fields, chain=(), **more):
    return rule(name, condition(fields or ("args",), ("rx", pattern), chain=chain), **more)


def transaction(protocol=Protocol.HTTP, **fields):
    """Fields by name (`args__get` for `args.get`): a dict of keys or a list of values."""
    tx = Transaction("t", protocol)
    for name, content in fields.items():
        name = name.replace("__", ".")
        if isinstance(content, dict):
            tx.fields.put(name, list(content.values()), list(content))
        else:
            tx.fields.put(name, list(content))
    return tx
