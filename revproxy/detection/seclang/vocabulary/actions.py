"""Actions: what each takes, of what kind it is, and what becomes of it. All of ModSecurity 3 and Coraza are here.

A table, no logic. `why` completes a sentence after the action's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from revproxy.detection.seclang.vocabulary.status import Status


class Takes(Enum):
    """What stands after the colon."""

    NOTHING = auto()
    ID = auto()
    PHASE = auto()
    SEVERITY = auto()
    STATUS = auto()
    NUMBER = auto()
    TEXT = auto()
    """a text without references"""
    LOGGED = auto()
    """a text with references that only goes to a log"""
    MACRO = auto()
    SCOPE = auto()
    """`phase`, `request` or nothing at all"""
    TRANSFORMATION = auto()
    SETVAR = auto()
    EXPIREVAR = auto()
    INITCOL = auto()
    CTL = auto()
    ANYTHING = auto()


class Kind(Enum):
    """What an action is about."""

    METADATA = auto()
    DISRUPTIVE = auto()
    FLOW = auto()
    DATA = auto()
    """goes with another action, as `status` with `deny`"""
    EFFECT = auto()
    """done when its link matches, whatever becomes of the rule"""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One row. `once`: two of them contradict each other."""

    name: str
    takes: Takes
    kind: Kind
    once: bool = False
    status: Status = Status.HONOURED
    why: str = ""


_MASKED = "has no effect here: secrets are masked in every record"
_SESSIONS = Status.PERSISTENT

_ROWS = (
    ActionSpec("accuracy", Takes.NUMBER, Kind.METADATA),
    ActionSpec("id", Takes.ID, Kind.METADATA, once=True),
    ActionSpec("logdata", Takes.LOGGED, Kind.METADATA),
    ActionSpec("maturity", Takes.NUMBER, Kind.METADATA),
    ActionSpec("msg", Takes.LOGGED, Kind.METADATA),
    ActionSpec("phase", Takes.PHASE, Kind.METADATA, once=True),
    ActionSpec("rev", Takes.TEXT, Kind.METADATA),
    ActionSpec("severity", Takes.SEVERITY, Kind.METADATA, once=True),
    ActionSpec("tag", Takes.LOGGED, Kind.METADATA),
    ActionSpec("ver", Takes.TEXT, Kind.METADATA),
    #
    ActionSpec("allow", Takes.SCOPE, Kind.DISRUPTIVE),
    ActionSpec("block", Takes.NOTHING, Kind.DISRUPTIVE),
    ActionSpec("deny", Takes.NOTHING, Kind.DISRUPTIVE),
    ActionSpec("drop", Takes.NOTHING, Kind.DISRUPTIVE),
    ActionSpec("pass", Takes.NOTHING, Kind.DISRUPTIVE),
    ActionSpec(
        "proxy",
        Takes.ANYTHING,
        Kind.DISRUPTIVE,
        status=Status.REFUSED,
        why="rules do not choose an upstream: `routes` of revproxy.yaml do",
    ),
    ActionSpec(
        "redirect",
        Takes.ANYTHING,
        Kind.DISRUPTIVE,
        status=Status.REFUSED,
        why="refusals are pages of our own: use `deny` with a status",
    ),
    #
    ActionSpec("chain", Takes.NOTHING, Kind.FLOW),
    ActionSpec("skip", Takes.NUMBER, Kind.FLOW, once=True),
    ActionSpec("skipAfter", Takes.TEXT, Kind.FLOW, once=True),
    #
    ActionSpec("status", Takes.STATUS, Kind.DATA, once=True),
    ActionSpec(
        "xmlns",
        Takes.TEXT,
        Kind.DATA,
        status=Status.NOTED,
        why="has no effect here: `XML:/*` and `XML://@*` need no namespaces",
    ),
    #
    ActionSpec(
        "append", Takes.ANYTHING, Kind.EFFECT, status=Status.REFUSED, why="answers are never written to: remove it"
    ),
    ActionSpec("auditlog", Takes.NOTHING, Kind.EFFECT),
    ActionSpec("capture", Takes.NOTHING, Kind.EFFECT),
    ActionSpec("ctl", Takes.CTL, Kind.EFFECT),
    ActionSpec("deprecatevar", Takes.TEXT, Kind.EFFECT, status=_SESSIONS),
    ActionSpec(
        "exec",
        Takes.ANYTHING,
        Kind.EFFECT,
        status=Status.REFUSED,
        why="no program runs while a request waits: let one read the audit records",
    ),
    ActionSpec("expirevar", Takes.EXPIREVAR, Kind.EFFECT, status=_SESSIONS),
    ActionSpec("initcol", Takes.INITCOL, Kind.EFFECT, status=_SESSIONS),
    ActionSpec("log", Takes.NOTHING, Kind.EFFECT),
    ActionSpec("multiMatch", Takes.NOTHING, Kind.EFFECT),
    ActionSpec("noauditlog", Takes.NOTHING, Kind.EFFECT),
    ActionSpec("nolog", Takes.NOTHING, Kind.EFFECT),
    ActionSpec(
        "pause",
        Takes.ANYTHING,
        Kind.EFFECT,
        status=Status.REFUSED,
        why="a delay costs us more than the client: use `deny` or `drop`",
    ),
    ActionSpec(
        "prepend", Takes.ANYTHING, Kind.EFFECT, status=Status.REFUSED, why="answers are never written to: remove it"
    ),
    ActionSpec("sanitiseArg", Takes.TEXT, Kind.EFFECT, status=Status.NOTED, why=_MASKED),
    ActionSpec("sanitiseMatched", Takes.NOTHING, Kind.EFFECT, status=Status.NOTED, why=_MASKED),
    ActionSpec("sanitiseMatchedBytes", Takes.ANYTHING, Kind.EFFECT, status=Status.NOTED, why=_MASKED),
    ActionSpec("sanitiseRequestHeader", Takes.TEXT, Kind.EFFECT, status=Status.NOTED, why=_MASKED),
    ActionSpec("sanitiseResponseHeader", Takes.TEXT, Kind.EFFECT, status=Status.NOTED, why=_MASKED),
    ActionSpec(
        "setenv",
        Takes.ANYTHING,
        Kind.EFFECT,
        status=Status.REFUSED,
        why="rules do not set the environment: use setvar:tx.name=value",
    ),
    ActionSpec("setrsc", Takes.MACRO, Kind.EFFECT, status=_SESSIONS),
    ActionSpec("setsid", Takes.MACRO, Kind.EFFECT, status=_SESSIONS),
    ActionSpec("setuid", Takes.MACRO, Kind.EFFECT, status=_SESSIONS),
    ActionSpec("setvar", Takes.SETVAR, Kind.EFFECT),
    ActionSpec("t", Takes.TRANSFORMATION, Kind.EFFECT),
)

SAME = {
    "sanitizeArg": "sanitiseArg",
    "sanitizeMatched": "sanitiseMatched",
    "sanitizeMatchedBytes": "sanitiseMatchedBytes",
    "sanitizeRequestHeader": "sanitiseRequestHeader",
    "sanitizeResponseHeader": "sanitiseResponseHeader",
}
"""Other names of an action."""

ACTIONS: dict[str, ActionSpec] = {row.name.lower(): row for row in _ROWS}
ACTIONS |= {other.lower(): ACTIONS[name.lower()] for other, name in SAME.items()}
"""By name in lower case: actions are compared without case."""

PHASES = {"request": 2, "response": 4, "logging": 5, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
SEVERITIES = {
    name: number
    for number, name in enumerate(
        ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"),
    )
}
SEVERITIES |= {str(number): number for number in range(8)}

COLLECTIONS = ("GLOBAL", "IP", "RESOURCE", "SESSION", "USER")
"""What `initcol` may open."""

NO_TRANSFORMATIONS = {
    "phpargsnames": "names of arguments are inspected as they arrive: leave it out",
}
"""Transformations of ModSecurity that are not there, and what to do."""
