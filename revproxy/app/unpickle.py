"""Reading back linked rules, and nothing else, from bytes.

A pickle may call whatever it names. Here it may name the classes that a linked rule set consists of, which are plain
frozen data and enumerations; anything else makes it no rule set. Where the bytes come from is for `folder` to watch:
whoever could write a rule set could write one without rules.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from revproxy.detection.link.ruleset import Databases, Group, Item, Look, RuleSet
from revproxy.detection.operators.rx import Texts
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Control,
    FieldClass,
    Operator,
    Reference,
    RemoveRules,
    RemoveTarget,
    Rule,
    Scope,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.errors import Location
from revproxy.model import Action, Phase, Protocol, Severity

_KNOWN: dict[tuple[str, str], Any] = {
    (known.__module__, known.__qualname__): known
    for known in (
        Action,
        Assign,
        Chosen,
        Condition,
        Control,
        Databases,
        FieldClass,
        Group,
        Item,
        Location,
        Look,
        Operator,
        Phase,
        Protocol,
        Reference,
        RemoveRules,
        RemoveTarget,
        Rule,
        RuleSet,
        Scope,
        SetControl,
        SetVariable,
        Severity,
        Target,
        Texts,
    )
}


class Unknown(pickle.UnpicklingError):
    """A name that no rule set has in it."""


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        known = _KNOWN.get((module_name, global_name))
        if known is None:
            raise Unknown(f"{module_name}.{global_name}")
        return known

    def persistent_load(self, pid: Any) -> Any:
        raise Unknown(f"persistent {pid!r}")


def read_ruleset(data: bytes) -> RuleSet | None:
    """The rule set; None for bytes that are none."""
    try:
        found = _Reader(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, EOFError, MemoryError):
        return None
    return found if isinstance(found, RuleSet) else None
