"""What a condition does when it matches, besides letting its rule go on.

Effects of a condition are carried out for each value that it accepts, in order, even when a later condition of the
rule then fails. They change the state of one transaction and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from revproxy.detection.rules.template import Template


class Assign(StrEnum):
    """How a variable changes. Adding to text that is no number takes it for 0."""

    SET = "="
    ADD = "+"
    SUBTRACT = "-"
    UNSET = "!"


@dataclass(frozen=True, slots=True)
class SetVariable:
    """A variable of the transaction (pseudo field `tx`). The name is compared in lower case."""

    name: Template
    how: Assign
    value: Template = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rules by number, tag or message. `ids` are inclusive ranges; `tags` and `messages` are patterns (google-re2)
    of which one must be found."""

    ids: tuple[tuple[int, int], ...] = ()
    tags: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveRules:
    """The chosen rules do not run in this transaction any more."""

    rules: Chosen


@dataclass(frozen=True, slots=True)
class RemoveTarget:
    """The chosen rules do not look at these values in this transaction any more."""

    rules: Chosen
    field: str
    key: bytes | None = None
    pattern: str | None = None


class Control(StrEnum):
    """What a rule may ask of whoever fills the fields and acts on verdicts. The value is text."""

    ENGINE = "engine"
    """on, off or detect, for the rest of the transaction"""
    BODY_PROCESSOR = "body-processor"
    """URLENCODED, MULTIPART, JSON, XML or RAW, whatever the request's type says"""
    FORCE_BODY = "force-body"
    """on: `body` is filled although the body was taken apart"""
    BODY_ACCESS = "body-access"
    """off: the body is not looked at"""
    REPLY_BODY_ACCESS = "reply-body-access"


@dataclass(frozen=True, slots=True)
class SetControl:
    """See `Control`."""

    control: Control
    value: str


Effect = SetVariable | RemoveRules | RemoveTarget | SetControl
