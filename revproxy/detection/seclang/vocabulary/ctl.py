"""Options of `ctl`: what each takes, and what becomes of it. All of ModSecurity 3 and Coraza are here.

A table, no logic. `why` completes a sentence after the option's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from revproxy.detection.seclang.vocabulary.status import Status


class Value(Enum):
    """What stands after the equals sign."""

    IDS = auto()
    TEXT = auto()
    IDS_TARGET = auto()
    TEXT_TARGET = auto()
    FLAG = auto()
    ENGINE = auto()
    AUDIT = auto()
    PROCESSOR = auto()
    NUMBER = auto()
    ANYTHING = auto()


WORDS: dict[Value, tuple[str, ...]] = {
    Value.FLAG: ("On", "Off"),
    Value.ENGINE: ("On", "Off", "DetectionOnly"),
    Value.AUDIT: ("On", "Off", "RelevantOnly"),
    Value.PROCESSOR: ("URLENCODED", "MULTIPART", "JSON", "XML", "RAW"),
}
"""The words of a value that is a choice."""

TARGETED = (Value.IDS_TARGET, Value.TEXT_TARGET)
"""Values with `;VARIABLE` after them."""


@dataclass(frozen=True, slots=True)
class CtlSpec:
    """One row. `only` are the values that a FIXED option may have."""

    name: str
    value: Value
    status: Status = Status.HONOURED
    why: str = ""
    only: tuple[str, ...] = ()


_AUDIT = "has no effect here: `logs.audit` of revproxy.yaml says where audit records go"

_ROWS = (
    CtlSpec("auditEngine", Value.AUDIT, Status.NOTED, "has no effect here: every finding has its audit record"),
    CtlSpec("auditLogParts", Value.TEXT, Status.NOTED, _AUDIT),
    CtlSpec("debugLogLevel", Value.NUMBER, Status.NOTED, "has no effect here: `logs.level` says how much is logged"),
    CtlSpec("forceRequestBodyVariable", Value.FLAG),
    CtlSpec(
        "forceResponseBodyVariable",
        Value.FLAG,
        Status.NOTED,
        "has no effect here: RESPONSE_BODY is there where answers are inspected",
    ),
    CtlSpec("hashEnforcement", Value.FLAG, Status.FIXED, "links are not signed", ("Off",)),
    CtlSpec("hashEngine", Value.FLAG, Status.FIXED, "links are not signed", ("Off",)),
    CtlSpec(
        "parseXmlIntoArgs",
        Value.TEXT,
        Status.FIXED,
        "XML is not put into ARGS: name `XML:/*` and `XML://@*` in the rules",
        ("Off",),
    ),
    CtlSpec("requestBodyAccess", Value.FLAG),
    CtlSpec(
        "requestBodyLimit",
        Value.NUMBER,
        Status.NOTED,
        "has no effect here: `body_bytes` of a route in revproxy.yaml bounds bodies",
    ),
    CtlSpec("requestBodyProcessor", Value.PROCESSOR),
    CtlSpec("responseBodyAccess", Value.FLAG),
    CtlSpec(
        "responseBodyLimit",
        Value.NUMBER,
        Status.NOTED,
        "has no effect here: `limits.http.response_inspect_bytes` of revproxy.yaml says how much is inspected",
    ),
    CtlSpec(
        "responseBodyProcessor",
        Value.ANYTHING,
        Status.REFUSED,
        "answers are not taken apart: rules read RESPONSE_BODY",
    ),
    CtlSpec("ruleEngine", Value.ENGINE),
    CtlSpec("ruleRemoveById", Value.IDS),
    CtlSpec("ruleRemoveByMsg", Value.TEXT),
    CtlSpec("ruleRemoveByTag", Value.TEXT),
    CtlSpec("ruleRemoveTargetById", Value.IDS_TARGET),
    CtlSpec("ruleRemoveTargetByMsg", Value.TEXT_TARGET),
    CtlSpec("ruleRemoveTargetByTag", Value.TEXT_TARGET),
)

CTL: dict[str, CtlSpec] = {row.name.lower(): row for row in _ROWS}
"""By name in lower case: options are compared without case."""
