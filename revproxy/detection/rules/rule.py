"""The one rule representation. Both languages are lowered to it; linking and the engine know nothing else.

A rule matches when all its conditions match, in order. A condition matches when one of its operators accepts one
of its values. A condition whose only target is `matched` looks at the values (as transformed) that the condition
before it accepted: that is how "the same value must also ..." is said, in both languages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from revproxy.detection.rules.effect import Effect
from revproxy.detection.rules.template import Template
from revproxy.errors import Location
from revproxy.model import Action, Phase, Protocol, Severity

MATCHED = "matched"
"""The pseudo field of a chained condition: every value that the condition before it accepted (MATCHED_VARS)."""
MATCHED_NAMES = "matched.names"
"""Names of those (MATCHED_VARS_NAMES), as `field:key`."""
MATCHED_ONE = "matched.one"
"""The value accepted last in the transaction (MATCHED_VAR)."""
MATCHED_NAME = "matched.name"
"""Its name (MATCHED_VAR_NAME)."""
VARIABLES = "tx"
"""Variables of the transaction (TX), keyed; what a pattern captured last stands under `0` to `9`."""
VARIABLE_NAMES = "tx.names"
IDENTITY = "id"
"""The id of the transaction (UNIQUE_ID)."""
PSEUDO = frozenset({MATCHED, MATCHED_NAMES, MATCHED_ONE, MATCHED_NAME, VARIABLES, VARIABLE_NAMES, IDENTITY})
"""Fields that nobody fills: the engine knows them."""


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
    phrases for the operators that take a list. A `template` is filled in each time and stands for the argument."""

    name: str
    argument: str | tuple[str, ...] = ""
    negated: bool = False
    template: Template = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """Targets, the transformations that their values go through, and operators of which one must accept.

    With `every_step` the operators see each value before and after every transformation that changed it
    (SecLang: multiMatch); otherwise only the last form. With `capture` the first operator's groups become variables.
    A condition without targets holds always.
    """

    targets: tuple[Target, ...]
    operators: tuple[Operator, ...]
    transformations: tuple[str, ...] = ()
    every_step: bool = False
    capture: bool = False
    effects: tuple[Effect, ...] = ()


class Scope(StrEnum):
    """How far a rule that lets pass reaches (SecLang: allow)."""

    PHASE = "phase"
    REQUEST = "request"
    """this phase and every later one before the answer"""
    TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True)
class Marker:
    """A place in a list of rules, where `skip_after` goes on (SecLang: SecMarker)."""

    name: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `score` is added to the inbound score (phases HEAD, BODY) or the outbound one (later phases).

    `action` is ALLOW for a rule that only scores, which is nearly every rule; a rule with DENY or DROP decides by
    itself, with `status` for its answer if that is not 0. `id` is unique in a rule set.

    After a match, `skip_after` goes on at the next marker of that name (or behind the rule of that id) in the same
    phase, `skip` passes over so many rules of the phase, and `passes` ends inspection for good as far as it says.
    `said` is the message where it has references; `data` is what a record carries besides the value.
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
    status: int = 0
    skip: int = 0
    skip_after: str = ""
    passes: Scope | None = None
    said: Template = ()
    data: Template = ()
