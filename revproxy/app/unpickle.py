"""Reading back linked rules, and nothing else, from bytes.

A pickle may call whatever it names. Here it may name the classes that a linked rule set and its exclusions consist
of, which are plain frozen data and enumerations; anything else makes it no rule set. Where the bytes come from is for
`folder` to watch: whoever could write a rule set could write one without rules.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from revproxy.app.excluded import Excluded
from revproxy.detection.link.ruleset import RuleSet

KNOWN = frozenset(
    {
        ("revproxy.app.excluded", "Excluded"),
        ("revproxy.detection.link.ruleset", "Databases"),
        ("revproxy.detection.link.ruleset", "Group"),
        ("revproxy.detection.link.ruleset", "Item"),
        ("revproxy.detection.link.ruleset", "Look"),
        ("revproxy.detection.link.ruleset", "RuleSet"),
        ("revproxy.detection.operators.texts", "Texts"),
        ("revproxy.detection.rules.effect", "Assign"),
        ("revproxy.detection.rules.effect", "Chosen"),
        ("revproxy.detection.rules.effect", "Control"),
        ("revproxy.detection.rules.effect", "RemoveRules"),
        ("revproxy.detection.rules.effect", "RemoveTarget"),
        ("revproxy.detection.rules.effect", "SetControl"),
        ("revproxy.detection.rules.effect", "SetVariable"),
        ("revproxy.detection.rules.exclusion", "Exclusion"),
        ("revproxy.detection.rules.fields", "FieldClass"),
        ("revproxy.detection.rules.rule", "Condition"),
        ("revproxy.detection.rules.rule", "Operator"),
        ("revproxy.detection.rules.rule", "Rule"),
        ("revproxy.detection.rules.rule", "Scope"),
        ("revproxy.detection.rules.rule", "Target"),
        ("revproxy.detection.rules.template", "Reference"),
        ("revproxy.errors", "Location"),
        ("revproxy.model.finding", "Action"),
        ("revproxy.model.finding", "Severity"),
        ("revproxy.model.phase", "Phase"),
        ("revproxy.model.phase", "Protocol"),
        ("revproxy.proxy.http.exclusions", "Placed"),
    }
)
"""Module and name."""


class Unknown(pickle.UnpicklingError):
    """A name that no rule set has in it."""


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in KNOWN:
            raise Unknown(f"{module_name}.{global_name}")
        return super().find_class(module_name, global_name)

    def persistent_load(self, pid: Any) -> Any:
        raise Unknown(f"persistent {pid!r}")


def read_back(data: bytes) -> tuple[RuleSet, Excluded] | None:
    """A rule set and its exclusions; None for bytes that are something else."""
    try:
        found = _Reader(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, EOFError, MemoryError):
        return None
    if not isinstance(found, tuple) or len(found) != 2:
        return None
    rules, excluded = found
    return (rules, excluded) if isinstance(rules, RuleSet) and isinstance(excluded, Excluded) else None
