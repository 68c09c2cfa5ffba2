"""Floor 6: the inspectors, their order and time budget, and the verdict that follows from what they find.

The names are loaded when they are asked for: the supervisor needs what this room says of files and of staged rules,
and not the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from revproxy.lazily import loader

if TYPE_CHECKING:
    from revproxy.inspection.inspection import Inspection
    from revproxy.inspection.inspector import Inspector
    from revproxy.inspection.rules import RuleInspector
    from revproxy.inspection.shadow import Shadow, Tape
    from revproxy.inspection.verdict import Policy, decide

__all__ = ["Inspection", "Inspector", "Policy", "RuleInspector", "Shadow", "Tape", "decide"]

__getattr__ = loader(
    __name__,
    {
        "inspection": ("Inspection",),
        "inspector": ("Inspector",),
        "rules": ("RuleInspector",),
        "shadow": ("Shadow", "Tape"),
        "verdict": ("Policy", "decide"),
    },
)
