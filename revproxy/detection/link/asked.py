"""The fields that a set of rules looks at: nothing else need be filled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from revproxy.detection.rules import (
    AS_WRITTEN,
    FIELDS,
    MATCHED_NAME,
    MATCHED_NAMES,
    PSEUDO,
    Control,
    Reference,
    Rule,
    SetControl,
    SetVariable,
    Template,
)

_NAMES = frozenset({MATCHED_NAME, MATCHED_NAMES})
"""Whoever asks for these asks for header fields as they were written, where a rule looks at such."""


def fields_of(rules: Iterable[Rule]) -> frozenset[str]:
    """Names of fields that somebody has to fill; of `X.names` that is `X`."""
    asked = {name for rule in rules for name in named_by(rule)}
    filled = {_filled(name) for name in asked - PSEUDO}
    if not _NAMES.isdisjoint(asked):
        filled |= {written for field, written in AS_WRITTEN.items() if field in filled}
    return frozenset(filled)


def controls_of(rules: Iterable[Rule]) -> frozenset[Control]:
    """What rules may ask for."""
    effects = (effect for rule in rules for condition in rule.conditions for effect in condition.effects)
    return frozenset(effect.control for effect in effects if isinstance(effect, SetControl))


def _filled(name: str) -> str:
    base = name.removesuffix(".names")
    return base if base != name and base in FIELDS and FIELDS[base].keyed else name


def named_by(rule: Rule) -> Iterator[str]:
    """Fields that the rule looks at or refers to, pseudo fields too; some more than once."""
    yield from _referred(rule.said)
    yield from _referred(rule.data)
    for condition in rule.conditions:
        yield from (target.field for target in condition.targets)
        for operator in condition.operators:
            yield from _referred(operator.template)
        for effect in condition.effects:
            if isinstance(effect, SetVariable):
                yield from _referred((*effect.name, *effect.value))


def _referred(template: Template) -> Iterator[str]:
    return (part.field for part in template if isinstance(part, Reference))
