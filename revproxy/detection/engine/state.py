"""What the rules of a set have done to one transaction so far: variables, what they switched off, where they stopped.

Made from the rule set's beginning when a rule first asks, and kept on the transaction between inspections. Plain
data; what changes it are `effects`, which say so (`touch`, `mark`). What a rule means does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from revproxy.detection.operators import CompiledOperator
from revproxy.detection.rules import FIELDS, Control
from revproxy.model import Fields, Phase


class Accepted(NamedTuple):
    """A value that a condition accepted, as it was after its transformations, and the operator that did."""

    field: str
    key: bytes
    value: bytes
    operator: CompiledOperator | None


NOTHING = Accepted("", b"", b"", None)
"""What a condition without targets accepts."""


BEGINNING = "beginning"
"""The mark of the state that every transaction begins with."""


class Lost(NamedTuple):
    """What a rule does not look at any more: values of a field whose keys pass the test, all of them without one."""

    field: str
    test: Callable[[bytes], Any] | None


class State:
    """`variables` by name in lower case; `removed` rules by position; `lost` targets, each with the rules that do not
    look there any more."""

    __slots__ = ("controls", "last", "lost", "mark", "over", "removed", "touched", "variables")

    def __init__(self, variables: Mapping[bytes, bytes]) -> None:
        self.variables = dict(variables)
        self.touched = False
        """Whether a variable has changed since the beginning, or a rule was taken out."""
        self.removed: set[int] = set()
        self.lost: list[tuple[frozenset[int], Lost]] = []
        self.controls: dict[Control, str] = {}
        self.last = NOTHING
        """The value accepted last."""
        self.over = frozenset[Phase]()
        """Phases in which nothing runs any more."""
        self.mark: object = BEGINNING
        """Two states of one rule set with the same mark are equal, but for `last`; None where that is not known."""

    def touch(self) -> None:
        """A variable changed, or what runs."""
        self.touched = True
        self.mark = None


class Scene(NamedTuple):
    """All that a rule can look at and change."""

    id: bytes
    fields: Fields
    state: State


def named(accepted: Accepted) -> bytes:
    """The name of a value as rules write it, `ARGS:q`."""
    spec = FIELDS.get(accepted.field)
    name = (spec.seclang if spec is not None and spec.seclang else accepted.field).encode("ascii")
    if accepted.field.startswith("tx"):
        name = b"TX"
    return name + b":" + accepted.key if accepted.key else name
