"""What the rules of a set have done to one transaction so far: variables, what they switched off, where they stopped.

Made from the rule set's beginning when a rule first asks, and kept on the transaction between inspections. Plain
data; what changes it are `effects`, which say so (`touch`, `mark`). What a rule means does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

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


class Accepted:
    """A value that a condition accepted, as it was after its transformations, and the operator that did."""

    __slots__ = ("field", "key", "operator", "value")

    def __init__(self, field: str, key: bytes, value: bytes, operator: CompiledOperator | None) -> None:
        self.field = field
        self.key = key
        self.value = value
        self.operator = operator


_NAMES_ARE_KEYS: Final = frozenset(AS_WRITTEN.values())
_PSEUDO_NAMES: Final = {
    MATCHED_ONE: "MATCHED_VAR",
    MATCHED_NAME: "MATCHED_VAR_NAME",
    MATCHED_NAMES: "MATCHED_VARS_NAMES",
    VARIABLES: "TX",
    VARIABLE_NAMES: "TX",
    IDENTITY: "UNIQUE_ID",
}
"""What rules call the fields that only the engine knows."""
_NAMES: Final = {name: (spec.seclang or name).encode("ascii") for name, spec in FIELDS.items()} | {
    name: seclang.encode("ascii") for name, seclang in _PSEUDO_NAMES.items()
}
"""The same of all fields, where there is such a name."""
NOTHING: Final = Accepted("", b"", b"", None)
"""What a condition without targets accepts."""


BEGINNING: Final = "beginning"
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
        "asked",
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
        self.asked = False
        """Whether a rule asked for one of these since the transaction was told."""
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

    def ask(self, control: Control, value: str) -> None:
        """A rule asks for this."""
        self.controls[control] = value
        self.asked = True
        self.mark = None

    def touch(self) -> None:
        """A variable changed, or what runs."""
        self.touched = True
        self.mark = None


class Rows:
    """Values that were selected, side by side with the field and the key of each."""

    __slots__ = ("fields", "keys", "values")

    def __init__(self) -> None:
        self.fields: list[str] = []
        self.keys: list[bytes] = []
        self.values: list[bytes] = []

    def add(self, field: str, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Values of one field, behind those that are there."""
        self.fields += [field] * len(values)
        self.keys += keys
        self.values += values


class Scene:
    """All that a rule can look at and change; what tells which of many values it need not look at; and what rules
    have looked at already, by their targets (`reading.Gathering`)."""

    __slots__ = ("fields", "gathered", "id", "sieves", "state")

    def __init__(self, identity: bytes, fields: Fields, state: State, sieves: Sieves | None = None) -> None:
        self.id = identity
        self.fields = fields
        self.state = state
        self.sieves = sieves
        self.gathered: dict[object, Rows] = {}


def named(accepted: Accepted, fields: Fields) -> bytes:
    """The name of a value as rules write it, `ARGS:q`; that of a header field as its peer wrote it.

    `fields` says how that was; of several header fields of one name the first spelling counts.
    """
    field, key = accepted.field, accepted.key
    if field in KEYED_VARIABLES:
        begins = KEYED_VARIABLES[field].encode("ascii")
        return begins if key.upper() == begins else begins + b"_" + key.upper()
    name = _NAMES.get(field)
    if name is None:
        name = field.encode("ascii")
    if not key:
        return name
    written = field if field in _NAMES_ARE_KEYS else AS_WRITTEN.get(field)
    got = fields.get(written) if written is not None else None
    if got is not None and key in got[0]:
        key = got[1][got[0].index(key)]
    return name + b":" + key
