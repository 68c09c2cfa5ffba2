"""The one rule representation. Both languages are lowered to it; linking and the engine know nothing else.

A rule matches when all its conditions match, in order. A condition matches when one of its operators accepts one
of its values. A condition whose only target is `matched` looks at the values (as transformed) that the condition
before it accepted: that is how "the same value must also ..." is said, in both languages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from revproxy.errors import Location
from revproxy.model import Action, Phase, Protocol, Severity

MATCHED = "matched"
"""The pseudo field of a chained condition (SecLang: MATCHED_VARS)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A field, or a part of it.

    `key` selects one key (lower case bytes, compared without case); `pattern` selects keys by a regular
    expression (google-re2, without case); at most one of them is set. `count` looks at the number of selected
    values instead of the values. `exclude` takes the selected values out of what the other targets chose.
    """

    field: str
    key: bytes | None = None
    pattern: str | None = None
    count: bool = False
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """A test of one value: `name` is a key of `detection.operators.OPERATORS`; `argument` is its text, or its
    phrases for the operators that take a list."""

    name: str
    argument: str | tuple[str, ...] = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """Targets, the transformations that their values go through, and operators of which one must accept.

    With `every_step` the operators see each value before and after every transformation that changed it
    (SecLang: multiMatch); otherwise only the last form.
    """

    targets: tuple[Target, ...]
    operators: tuple[Operator, ...]
    transformations: tuple[str, ...] = ()
    every_step: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `score` is added to the inbound score (phases HEAD, BODY) or the outbound one (later phases).

    `action` is ALLOW for a rule that only scores, which is nearly every rule; a rule with DENY or DROP decides by
    itself. `id` is unique in a rule set.
    """

    id: str
    protocols: frozenset[Protocol]
    phase: Phase
    conditions: tuple[Condition, ...]
    severity: Severity
    score: int
    message: str
    tags: tuple[str, ...] = ()
    action: Action = Action.ALLOW
    logs: bool = True
    origin: Location = field(default=Location("<memory>"))
