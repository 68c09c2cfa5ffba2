"""Linking: rules to a frozen rule set with its databases."""

from revproxy.detection.link.linker import check_rules, link
from revproxy.detection.link.progress import Told, unheard
from revproxy.detection.link.ruleset import Databases, DatabaseStore, Group, Item, RuleSet

__all__ = ["DatabaseStore", "Databases", "Group", "Item", "RuleSet", "Told", "check_rules", "link", "unheard"]
