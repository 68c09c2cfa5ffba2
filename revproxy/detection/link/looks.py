"""How it is found out, before any rule runs, whether a condition can match.

Most conditions have a pattern, and are scanned for. Of the others, those that look at values that come again (header
fields, protocol words, paths) are tried once for each value and remembered, and those that count header fields once
for each set of names. What is left depends on variables, or on values that never come again: its rule has to run.
"""

from __future__ import annotations

from collections.abc import Collection

from revproxy.detection.link.needs import scannable
from revproxy.detection.link.ruleset import Look
from revproxy.detection.rules import BODY_TYPE, FIELDS, PSEUDO, Condition, Control, FieldClass

REMEMBERED = frozenset({FieldClass.HEADER, FieldClass.LINE, FieldClass.PATH})
"""Classes of values that come again. They are scanned together."""


def scanned_as(klass: FieldClass) -> FieldClass:
    """The class under which values are scanned."""
    return FieldClass.HEADER if klass in REMEMBERED else klass


def changing(controls: Collection[Control]) -> frozenset[str]:
    """Fields that a rule changes which asks for one of these: what is known of them before any rule runs is not what
    later rules see."""
    return frozenset({BODY_TYPE} if Control.BODY_PROCESSOR in controls else ())


def is_keyed(condition: Condition, fields: Collection[str]) -> bool:
    """Whether it looks at certain keys of these fields alone."""
    chosen = [t for t in condition.targets if t.field in fields and not t.exclude]
    return all(t.key is not None or t.pattern is not None for t in chosen)


def look_of(condition: Condition) -> Look | None:
    """None when the rule has to run for it to be known."""
    chosen = [t for t in condition.targets if not t.exclude]
    if not chosen or any(t.field in PSEUDO for t in chosen) or any(o.template for o in condition.operators):
        return None
    if all(t.count for t in chosen):
        # Keys of other fields come from values that do not come again.
        return (
            Look.COUNT
            if len({t.field for t in chosen}) == 1 and FIELDS[chosen[0].field].klass is FieldClass.HEADER
            else None
        )
    if any(t.count for t in chosen):
        return None
    if scannable(condition):
        return Look.SCAN
    return Look.TRY if all(FIELDS[t.field].klass in REMEMBERED for t in chosen) else None
