"""What rules are made of: the representation and the field table."""

from revproxy.detection.rules.fields import FIELDS, FieldClass, FieldSpec
from revproxy.detection.rules.rule import MATCHED, Condition, Operator, Rule, Target

__all__ = ["FIELDS", "MATCHED", "Condition", "FieldClass", "FieldSpec", "Operator", "Rule", "Target"]
