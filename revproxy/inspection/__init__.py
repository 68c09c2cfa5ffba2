"""Floor 6: the inspectors, their order and time budget, and the verdict that follows from what they find."""

from revproxy.inspection.inspection import Inspection
from revproxy.inspection.inspector import Inspector
from revproxy.inspection.rules import RuleInspector
from revproxy.inspection.shadow import Shadow, Tape
from revproxy.inspection.verdict import Policy, decide

__all__ = ["Inspection", "Inspector", "Policy", "RuleInspector", "Shadow", "Tape", "decide"]
