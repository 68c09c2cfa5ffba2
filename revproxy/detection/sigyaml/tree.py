"""A signature as its author wrote it: nouns only, faithful to the text, with the places where things stand.

Invariant: what is here has been checked word by word (`load`), and nothing has been decided yet about how it runs
(`lower`).
"""

from __future__ import annotations

from dataclasses import dataclass

from revproxy.detection.rules import Operator, Target
from revproxy.errors import Location
from revproxy.model import Action, Protocol, Severity

Values = tuple[tuple[bytes, bytes], ...]
"""Keys and values of a field; the keys of a field without keys are empty."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One test. Without `fields` it looks at the signature's own value; with them at those of the transaction."""

    operator: Operator
    where: Location
    fields: tuple[Target, ...] = ()
    transformations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What one value must satisfy: one of `one_of`, every one of `every`, none of `none`."""

    one_of: tuple[Matcher, ...] = ()
    every: tuple[Matcher, ...] = ()
    none: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of a transaction, by field."""

    protocol: Protocol
    fields: tuple[tuple[str, Values], ...]
    where: Location


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. `score` is None when the severity decides."""

    id: str
    name: str
    why: str
    references: tuple[str, ...]
    protocols: frozenset[Protocol]
    fields: tuple[Target, ...]
    transformations: tuple[str, ...]
    each_step: bool
    match: Match
    severity: Severity
    score: int | None
    action: Action
    tags: tuple[str, ...]
    matching: tuple[Sample, ...]
    passing: tuple[Sample, ...]
    origin: Location
