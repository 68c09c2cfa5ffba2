"""Linking: rules to a frozen rule set with its databases.

What links is loaded when it is asked for: who is given a linked set needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from revproxy.lazily import loader

if TYPE_CHECKING:
    from revproxy.detection.link.linker import check_rules, link
    from revproxy.detection.link.progress import Told, unheard
    from revproxy.detection.link.ruleset import Databases, DatabaseStore, Group, Item, RuleSet

__all__ = ["DatabaseStore", "Databases", "Group", "Item", "RuleSet", "Told", "check_rules", "link", "unheard"]

__getattr__ = loader(
    __name__,
    {
        "linker": ("check_rules", "link"),
        "progress": ("Told", "unheard"),
        "ruleset": ("DatabaseStore", "Databases", "Group", "Item", "RuleSet"),
    },
)
