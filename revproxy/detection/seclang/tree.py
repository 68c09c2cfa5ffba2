"""Rules as their author wrote them: nouns only, faithful to the text, each with the place where it stands.

Invariants: every word has been checked against the tables of `vocabulary` and stands here in the spelling of the
table; statements are in the order in which they apply, with included files in their places; nothing has been decided
yet about how anything runs. Values are bytes, exactly those of the file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import StrEnum

from revproxy.errors import Location


@dataclass(frozen=True, slots=True)
class Text:
    r"""Bytes of the file, without their quotes and with `\"` as `"`.

    `breaks` lists the offsets in `value` from which on columns do not just count up: after a dropped backslash, at
    the beginning of a continuation line, after characters of several bytes.
    """

    value: bytes
    where: Location
    breaks: tuple[tuple[int, Location], ...] = ()

    def at(self, offset: int) -> Location:
        """The place of the byte at `offset`."""
        base, place = 0, self.where
        index = bisect_right(self.breaks, offset, key=_offset)
        if index:
            base, place = self.breaks[index - 1]
        return Location(place.file, place.line, place.column + offset - base)

    def cut(self, start: int, end: int) -> Text:
        """The piece from `start` to `end`, which knows its places too."""
        breaks = self.breaks
        if breaks:
            first = bisect_right(breaks, start, key=_offset)
            last = bisect_left(breaks, end, key=_offset)
            breaks = tuple((offset - start, place) for offset, place in breaks[first:last])
        return Text(self.value[start:end], self.at(start), breaks)

    def strip(self) -> Text:
        """The text without blanks around it."""
        value = self.value
        end = len(value.rstrip(b" \t"))
        start = len(value) - len(value.lstrip(b" \t"))
        return self if end - start == len(value) else self.cut(min(start, end), end)


def _offset(entry: tuple[int, Location]) -> int:
    return entry[0]


@dataclass(frozen=True, slots=True)
class Reference:
    """`%{NAME}` or `%{NAME.key}`."""

    variable: str
    key: bytes | None
    where: Location


@dataclass(frozen=True, slots=True)
class Macro:
    """A text in which references may stand. `parts` are its pieces in order; pieces of bytes are never empty."""

    text: Text
    parts: tuple[bytes | Reference, ...]

    @property
    def fixed(self) -> bool:
        """Whether no reference stands in it, so that `text` is all."""
        return not any(isinstance(part, Reference) for part in self.parts)


@dataclass(frozen=True, slots=True)
class IdRange:
    """Rule ids from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Variable:
    """One item of a list of variables: `ARGS`, `!ARGS:key`, `&ARGS`, `ARGS:/pattern/`, `XML:/*`.

    At most one of `key` and `pattern` is set; the key of XML is its XPath. Keys are compared without case.
    """

    name: str
    where: Location
    key: bytes | None = None
    pattern: Text | None = None
    count: bool = False
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """`@name argument`; a test without `@` is `rx`."""

    name: str
    negated: bool
    argument: Macro
    where: Location


# Actions: one class for each shape. `name`, in lower case, is the key of `vocabulary.ACTIONS`.


@dataclass(frozen=True, slots=True)
class Flag:
    """An action without an argument: `deny`, `chain`, `capture`, `nolog`."""

    name: str
    where: Location


@dataclass(frozen=True, slots=True)
class Number:
    """`id`, `phase` (1 to 5), `severity` (0 to 7), `status`, `skip`, `maturity`, `accuracy`; no names any more."""

    name: str
    value: int
    where: Location


@dataclass(frozen=True, slots=True)
class Words:
    """An action with a text: `msg`, `logdata`, `tag`, `ver`, `rev`, `redirect`, `skipAfter`, `allow`, `setuid`."""

    name: str
    value: Macro
    where: Location


@dataclass(frozen=True, slots=True)
class Transformation:
    """`t:name`: `transformation` is a key of `detection.transformations.TRANSFORMATIONS`."""

    transformation: str
    where: Location
    name = "t"


class Change(StrEnum):
    """What `setvar` does."""

    SET = "="
    ADD = "=+"
    SUBTRACT = "=-"
    UNSET = "!"


@dataclass(frozen=True, slots=True)
class SetVar:
    """`setvar:tx.variable=+value`. `collection` is a variable's name (TX, IP, ...); without a value it sets 1."""

    collection: str
    variable: Macro
    change: Change
    value: Macro
    where: Location
    name = "setvar"


@dataclass(frozen=True, slots=True)
class ExpireVar:
    """`expirevar:ip.variable=seconds`."""

    collection: str
    variable: Macro
    seconds: Macro
    where: Location
    name = "expirevar"


@dataclass(frozen=True, slots=True)
class InitCol:
    """`initcol:ip=%{REMOTE_ADDR}`."""

    collection: str
    key: Macro
    where: Location
    name = "initcol"


@dataclass(frozen=True, slots=True)
class Ctl:
    """`ctl:option=value;target`. `option` is a key of `vocabulary.CTL`; `ids` is set where the value is ids."""

    option: str
    value: Text
    where: Location
    target: Variable | None = None
    ids: tuple[IdRange, ...] = ()
    name = "ctl"


RuleAction = Flag | Number | Words | Transformation | SetVar | ExpireVar | InitCol | Ctl


# Statements.


@dataclass(frozen=True, slots=True)
class Link:
    """One SecRule: the whole rule, or a link of a chain. A SecAction has no variables and no operator."""

    variables: tuple[Variable, ...]
    operator: Operator | None
    actions: tuple[RuleAction, ...]
    where: Location


@dataclass(frozen=True, slots=True)
class Rule:
    """A SecRule with the links that are chained to it, or a SecAction. `phase` is 2 where none is written."""

    id: int
    phase: int
    links: tuple[Link, ...]
    where: Location


@dataclass(frozen=True, slots=True)
class Marker:
    """SecMarker."""

    name: bytes
    where: Location


@dataclass(frozen=True, slots=True)
class DefaultActions:
    """SecDefaultAction, for the rules of its phase that come after it."""

    phase: int
    actions: tuple[RuleAction, ...]
    where: Location


class By(StrEnum):
    """How a directive names the rules that it changes."""

    ID = "Id"
    TAG = "Tag"
    MSG = "Msg"


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules that a directive changes: `ids`, or those with the tag or message `text`."""

    by: By
    ids: tuple[IdRange, ...] = ()
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class UpdateTargets:
    """SecRuleUpdateTargetById, ...ByTag, ...ByMsg."""

    rules: Selection
    variables: tuple[Variable, ...]
    where: Location


@dataclass(frozen=True, slots=True)
class UpdateActions:
    """SecRuleUpdateActionById. `link` is the number of the link in its chain, 0 the first."""

    id: int
    link: int
    actions: tuple[RuleAction, ...]
    where: Location


@dataclass(frozen=True, slots=True)
class Removal:
    """SecRuleRemoveById, ...ByTag, ...ByMsg."""

    rules: Selection
    where: Location


@dataclass(frozen=True, slots=True)
class Setting:
    """Any other directive that is honoured. Words stand as `vocabulary.DIRECTIVES` spells them."""

    name: str
    values: tuple[Text, ...]
    where: Location


@dataclass(frozen=True, slots=True)
class Dataset:
    """SecDataset: a list of phrases or addresses that operators name."""

    name: bytes
    entries: tuple[Text, ...]
    where: Location


@dataclass(frozen=True, slots=True)
class Include:
    """Include, as written. `load` puts the files in its place; `parse` leaves it."""

    path: Text
    optional: bool
    where: Location


Statement = Rule | Marker | DefaultActions | UpdateTargets | UpdateActions | Removal | Setting | Dataset | Include


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was taken but does not do what it does elsewhere, and what to use."""

    message: str
    where: Location

    def __str__(self) -> str:
        return f"{self.where}: notice: {self.message}"
