"""A linked rule set: rules, what to scan for them, and the compiled databases as bytes.

Plain frozen data: it is pickled to other processes, or built anew from the rules and a store. Loading databases and
everything that happens to a transaction belong to `detection.engine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol as Interface

from revproxy.detection.operators import Texts
from revproxy.detection.rules import Control, FieldClass, Operator, Rule
from revproxy.model import Phase, Protocol


class DatabaseStore(Interface):
    """Where compiled databases are kept between starts. Neither method raises; a lost entry is compiled again."""

    def get(self, key: str) -> bytes | None:
        """What was put under this key, or None."""

    def put(self, key: str, data: bytes) -> None:
        """Keep it."""


class Look(StrEnum):
    """How it is found out whether a condition can match."""

    SCAN = "scan"
    """by what the databases find"""
    TRY = "try"
    """by the condition itself, once for each value that comes again"""
    COUNT = "count"
    """by the condition itself, once for each set of keys that comes again"""


@dataclass(frozen=True, slots=True)
class Item:
    """A condition that can be ruled out without running its rule.

    `chain` is what is left of its transformations after those that were folded into the patterns; `rule` and
    `condition` are positions. `needs`, for each name of the chain: bytes (`bytesets`) of which a value needs one
    before that transformation; 0 where nothing is known (`link.required`).
    """

    rule: int
    condition: int
    chain: tuple[str, ...]
    every_step: bool
    look: Look = Look.SCAN
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Databases:
    """Keys of databases that hold the same items: for values joined with NUL, and for those of calm bytes only.

    A key is empty where there is no such database: nothing can be hit, or a calm one is not worth having (then there
    are no `calm_bytes`). Identifier `i` in them stands for `numbers[i]` of the group, so that groups share databases.
    """

    joined: str
    calm: str
    numbers: tuple[int, ...]
    heavy: tuple[tuple[int, bytes], ...] = ()
    """What google-re2 looks for besides: an identifier and a pattern for values joined with NUL."""
    heavy_calm: tuple[tuple[int, bytes], ...] = ()
    """The same beside the calm database."""
    calm_bytes: bytes = b""
    """What calm values, and the NUL between them, are made of."""


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that are scanned together: of one protocol, one class, one direction, and whether before or after the
    first transformation.

    Numbers: `i` below `len(triggers)` is a trigger, `len(triggers) + p` is item `p`.
    `databases` hold all of them. What a transformation that few items ask for makes of values is scanned with its
    own of `small`, which holds those items only.
    """

    protocol: Protocol
    klass: FieldClass
    reply: bool
    blind: bool
    """Every item's first transformation is carried out whatever a value holds: values are not scanned before it."""
    fields: tuple[str, ...]
    items: tuple[Item, ...]
    triggers: tuple[str, ...]
    databases: Databases
    small: tuple[tuple[str, Databases], ...] = ()
    hints: Mapping[int, str] = field(default_factory=dict)
    """Items for which it is known what a value holds if carrying out their chain may help (`link.hints`): keys of
    databases, each of one pattern that reports every match."""
    coded: Mapping[int, int] = field(default_factory=dict)
    """Those of them whose chain decodes base64, and where in it."""
    unkeyed: Databases | None = None
    """Of values that come again: databases without the items that ask for certain keys only. Most header fields are
    looked at by no such item, and are scanned with these, which hold far less; None where they would not."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What `link` makes. `name` tells two sets apart by their content; `notes` say what is served more slowly."""

    rules: tuple[Rule, ...]
    name: str
    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    phases: Mapping[Protocol, tuple[Phase, ...]]
    """For each protocol and each rule, the first phase in which all its fields are filled."""
    compiled: Mapping[str, bytes]
    jumps: Mapping[int, int] = field(default_factory=dict)
    """Where a rule goes on once it has matched: rules of its phase before that position are passed over."""
    variables: Mapping[bytes, bytes] = field(default_factory=dict)
    """Those that every transaction begins with."""
    fields: frozenset[str] = frozenset()
    """The fields that the rules look at; of `X.names` it is `X`."""
    controls: frozenset[Control] = frozenset()
    """What rules may ask of whoever reads the bodies."""
    score: bytes = b""
    """The variable in which the rules keep the score of what comes in; empty where they have none."""
    detects: bool = False
    """Nothing that these rules find refuses anything."""
    captures_matter: bool = False
    """Whether some rule looks at what another captured."""
    last_matters: bool = False
    """Whether some rule looks at the value that another accepted last."""

    sieves: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """For conditions that cost much to try, by the positions of rule and condition: the key of the database that says
    which of many values are to be tried (`link.sieves`)."""
    texts: Mapping[Operator, Texts] = field(default_factory=dict)
    """What operators were worked out to be (`operators.operator_texts`)."""
    added: int = 0
    """So many of the groups, the last ones, were added to those of a set that was linked before (`link.onto`)."""
    stale: bool = False
    """Whether some of the others have items of rules that are gone."""

    @property
    def patched(self) -> bool:
        """Whether it is scanned at less than full speed until its rules are linked anew, all together."""
        return self.stale or self.added > 0

    @property
    def keys(self) -> frozenset[str]:
        """Those of all databases that the groups name."""
        held = [one for g in self.groups for one in (g.databases, *(small for _, small in g.small))]
        held += [g.unkeyed for g in self.groups if g.unkeyed is not None]
        alone = [*self.sieves.values(), *(key for g in self.groups for key in g.hints.values())]
        return frozenset(key for key in (*alone, *(k for one in held for k in (one.joined, one.calm))) if key)

    def databases(self) -> dict[str, bytes]:
        """The serialised databases by key."""
        return dict(self.compiled)
