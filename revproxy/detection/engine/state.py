"""What the rules of a set have done to one transaction so far: variables, what they switched off, where they stopped.

Made from the rule set's beginning when a rule first asks, and kept on the transaction between inspections. Plain
data; what changes it are `effects`, which say so (`touch`, `mark`). What a rule means does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from revproxy.detection.engine.sieving import Sieves
from revproxy.detection.operators import CompiledOperator
from revproxy.detection.rules import (
    AS_WRITTEN,
    FIELDS,
    IDENTITY,
    KEYED_VARIABLES,
    MATCHED_NAME,
    MATCHED_NAMES,
    MATCHED_ONE,
    VARIABLE_NAMES,
    VARIABLES,
    Control,
)
from revproxy.model import Fields, Phase


class Accepted(NamedTuple):
    """A value that a condition accepted, as it was after its transformations, and the operator that did."""

    field: str
    key: bytes
    value: bytes
    operator: CompiledOperator | None


_NAMES_ARE_KEYS = frozenset(AS_WRITTEN.values())
_PSEUDO_NAMES = {
    MATCHED_ONE: "MATCHED_VAR",
    MATCHED_NAME: "MATCHED_VAR_NAME",
    MATCHED_NAMES: "MATCHED_VARS_NAMES",
    VARIABLES: "TX",
    VARIABLE_NAMES: "TX",
    IDENTITY: "UNIQUE_ID",
}
"""What rules call the fields that only the engine knows."""
NOTHING = Accepted("", b"", b"", None)
"""What a condition without targets accepts."""


BEGINNING = "beginning"
"""The mark of the state that every transaction begins with."""


class Lost(NamedTuple):
    """What a rule does not look at any more: values of a field whose keys pass the test, all of them without one."""

    field: str
    test: Callable[[bytes], Any] | None


class Looked:
    """Fields as they were, and the items (bits) that some value of theirs may hit."""

    __slots__ = ("fields", "items")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.items = 0


class State:
    """`variables` by name in lower case; `removed` rules by position; `lost` targets, each with the rules that do not
    look there any more."""

    __slots__ = (
        "added",
        "controls",
        "enforces",
        "last",
        "looked",
        "lost",
        "mark",
        "over",
        "removed",
        "touched",
        "variables",
    )

    def __init__(self, variables: Mapping[bytes, bytes], enforces: bool = True) -> None:
        """`enforces`: what a rule decides is carried out."""
        self.enforces = enforces
        self.variables = dict(variables)
        self.touched = False
        """Whether a variable has changed since the beginning, or a rule was taken out."""
        self.removed: set[int] = set()
        self.lost: list[tuple[frozenset[int], Lost]] = []
        self.controls: dict[Control, str] = {}
        self.last = NOTHING
        """The value accepted last."""
        self.added: dict[bytes, dict[int, int]] = {}
        """For each variable what rules, by position, added to it at most since it was set (`adding`)."""
        self.over = frozenset[Phase]()
        """Phases in which nothing runs any more."""
        self.mark: Hashable = BEGINNING
        """Two states of one rule set with the same mark are equal, but for `last` and `enforces`; None: not known."""

        self.looked: dict[int, Looked] = {}
        """By group of values that come again: what was looked at already, and what it may hit."""

    def touch(self) -> None:
        """A variable changed, or what runs."""
        self.touched = True
        self.mark = None


Row = tuple[str, bytes, bytes]
"""A field, and a key and its value there."""


class Scene(NamedTuple):
    """All that a rule can look at and change; what tells which of many values it need not look at; and what rules
    have looked at already, by their targets (`reading.Gathering`)."""

    id: bytes
    fields: Fields
    state: State
    sieves: Sieves | None = None
    gathered: dict[object, Sequence[Row]] | None = None


def named(accepted: Accepted, fields: Fields) -> bytes:
    """The name of a value as rules write it, `ARGS:q`; that of a header field as its peer wrote it.

    `fields` says how that was; of several header fields of one name the first spelling counts.
    """
    field, key = accepted.field, accepted.key
    if field in KEYED_VARIABLES:
        begins = KEYED_VARIABLES[field].encode("ascii")
        return begins if key.upper() == begins else begins + b"_" + key.upper()
    spec = FIELDS.get(field)
    name = (spec.seclang if spec is not None and spec.seclang else _PSEUDO_NAMES.get(field, field)).encode("ascii")
    if not key:
        return name
    written = field if field in _NAMES_ARE_KEYS else AS_WRITTEN.get(field)
    got = fields.get(written) if written is not None else None
    if got is not None and key in got[0]:
        key = got[1][got[0].index(key)]
    return name + b":" + key
