"""The inspected unit: named values, scores and findings of one HTTP exchange or one mail message.

Three small things side by side, not one object that knows everything. Nothing here knows a connection, a rule or
a protocol's wire.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from revproxy.model.finding import Finding
from revproxy.model.phase import Protocol


class Fields:
    """Values by field name, in the order in which they arrived.

    A field is a pair of lists of one length: keys (lower case where the field table says so; empty for a field
    without keys) and values, all bytes. The names are those of `detection.rules.fields`.
    """

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table: dict[str, tuple[Sequence[bytes], Sequence[bytes]]] = {}

    def put(self, name: str, values: Sequence[bytes], keys: Sequence[bytes] = ()) -> None:
        """Set a field; `keys` is empty or as long as `values`. Replaces what was there."""
        self._table[name] = (keys, values)

    def add(self, name: str, values: Sequence[bytes], keys: Sequence[bytes] = ()) -> None:
        """Append to a field (body arguments after those of the query)."""
        old = self._table.get(name)
        if old is None:
            self._table[name] = (keys, values)
        else:
            self._table[name] = ([*old[0], *keys], [*old[1], *values])

    def values(self, name: str) -> Sequence[bytes]:
        """The field's values; empty when it is not set."""
        got = self._table.get(name)
        return got[1] if got is not None else ()

    def keys(self, name: str) -> Sequence[bytes]:
        """The field's keys; empty for a field without keys."""
        got = self._table.get(name)
        return got[0] if got is not None else ()

    def first(self, name: str) -> bytes:
        """The first value, or nothing."""
        got = self._table.get(name)
        return got[1][0] if got is not None and got[1] else b""

    def get(self, name: str) -> tuple[Sequence[bytes], Sequence[bytes]] | None:
        """(keys, values), or None when the field is not set."""
        return self._table.get(name)

    def preset(self, table: Mapping[str, tuple[Sequence[bytes], Sequence[bytes]]]) -> None:
        """Set several fields at once: (keys, values) by name."""
        self._table.update(table)

    def drop(self, name: str) -> None:
        """Forget a field (a window of a long body makes room for the next)."""
        self._table.pop(name, None)

    def copied(self) -> Fields:
        """The same values in a table of its own, whatever is put into this one later."""
        copy = Fields()
        copy._table = self._table.copy()
        return copy

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)


class Controls(NamedTuple):
    """What rules of phase HEAD ask of whoever reads the bodies. Changed by replacing the whole."""

    body_processor: str = ""
    """URLENCODED, MULTIPART, JSON, XML or RAW, whatever the request's type says."""
    force_body: bool = False
    """The raw body is to be seen although it was taken apart and its type does without."""
    body_access: bool = True
    """Off: the request body is not looked at."""
    reply_body_access: bool = True


UNTOUCHED: Final = Controls()
"""Of every transaction in which no rule asked for anything."""


class Scores:
    """Anomaly points so far: of what comes in, and of what an internal server answers."""

    __slots__ = ("declared", "inbound", "outbound")

    def __init__(self) -> None:
        self.inbound = 0
        self.outbound = 0
        self.declared = 0
        """What rules that keep a score of their own, and decide by it, make of what comes in."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scores) and (self.inbound, self.outbound, self.declared) == (
            other.inbound,
            other.outbound,
            other.declared,
        )

    @property
    def shown(self) -> int:
        """The score of what comes in, for records."""
        return self.inbound + self.declared


class Transaction:
    """What the engine sees. `id` is on every record and error page."""

    # A plain class: of a dataclass the compiler leaves making an object to the interpreter.
    __slots__ = (
        "controls",
        "enforces",
        "excluded",
        "fields",
        "findings",
        "id",
        "protocol",
        "scores",
        "silent",
        "state",
    )

    def __init__(self, identity: str, protocol: Protocol, excluded: tuple[Any, ...] = ()) -> None:
        self.id = identity
        self.protocol = protocol
        self.fields = Fields()
        self.scores = Scores()
        self.findings: list[Finding] = []
        self.silent: tuple[str, ...] = ()
        """Ids of rules that matched and do not log: they score once, like the others."""
        self.controls = UNTOUCHED
        self.enforces = True
        """Whether a rule that refuses ends inspection, because the refusal will be carried out."""
        self.excluded = excluded
        """What the route leaves out (`detection.rules.Exclusion`): put here before the first inspection."""
        self.state: Any = None
        """What the rule engine keeps between inspections; nobody else looks into it."""
