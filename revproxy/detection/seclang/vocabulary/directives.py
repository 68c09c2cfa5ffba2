"""Directives: what each takes, and what becomes of it. All of ModSecurity 2, ModSecurity 3 and Coraza are here.

A table, no logic. `why` completes a sentence after the directive's name: where its home is, or what to use instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from revproxy.detection.seclang.vocabulary.status import Status


class Form(Enum):
    """How what follows the name is read."""

    RULE = auto()
    ACTION = auto()
    MARKER = auto()
    DEFAULT = auto()
    UPDATE_TARGET = auto()
    UPDATE_ACTION = auto()
    REMOVE = auto()
    DATASET = auto()
    INCLUDE = auto()
    # Settings: the arguments are words of a list, numbers or texts.
    NOTHING = auto()
    FLAG = auto()
    ENGINE = auto()
    NUMBER = auto()
    TEXT = auto()
    TEXTS = auto()
    ANYTHING = auto()


WORDS: dict[Form, tuple[str, ...]] = {
    Form.FLAG: ("On", "Off"),
    Form.ENGINE: ("On", "Off", "DetectionOnly"),
}
"""The words of a form that is a choice."""


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    """One row. `only` are the values that a FIXED directive may have."""

    name: str
    form: Form
    status: Status
    why: str = ""
    only: tuple[str, ...] = ()


_HONOURED: tuple[tuple[str, Form], ...] = (
    ("Include", Form.INCLUDE),
    ("IncludeOptional", Form.INCLUDE),
    ("SecAction", Form.ACTION),
    ("SecComponentSignature", Form.TEXT),
    ("SecDataset", Form.DATASET),
    ("SecDefaultAction", Form.DEFAULT),
    ("SecMarker", Form.MARKER),
    ("SecRequestBodyAccess", Form.FLAG),
    ("SecResponseBodyAccess", Form.FLAG),
    ("SecRule", Form.RULE),
    ("SecRuleEngine", Form.ENGINE),
    ("SecRuleRemoveById", Form.REMOVE),
    ("SecRuleRemoveByMsg", Form.REMOVE),
    ("SecRuleRemoveByTag", Form.REMOVE),
    ("SecRuleUpdateActionById", Form.UPDATE_ACTION),
    ("SecRuleUpdateTargetById", Form.UPDATE_TARGET),
    ("SecRuleUpdateTargetByMsg", Form.UPDATE_TARGET),
    ("SecRuleUpdateTargetByTag", Form.UPDATE_TARGET),
)

_FIXED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("SecArgumentSeparator", ("&",), "arguments are separated by `&` only"),
    ("SecConnEngine", ("Off",), "connections are counted by `limits.caps` of revproxy.yaml"),
    ("SecContentInjection", ("Off",), "answers are never written to"),
    ("SecCookieFormat", ("0",), "cookies are read as browsers send them, version 0"),
    ("SecCookieV0Separator", (";",), "cookies are separated by `;` only"),
    ("SecHashEngine", ("Off",), "links are not signed"),
    (
        "SecIgnoreRuleCompilationErrors",
        ("Off",),
        "a rule that cannot be enforced is an error: mend it or take it out",
    ),
    ("SecParseXmlIntoArgs", ("Off",), "XML is not put into ARGS: name `XML:/*` and `XML://@*` in the rules"),
    (
        "SecRequestBodyLimitAction",
        ("Reject",),
        "a body is judged whole: a larger one is answered 413, see `body_bytes` of a route",
    ),
    (
        "SecResponseBodyLimitAction",
        ("ProcessPartial",),
        "what is longer goes on after its beginning was judged: a rule on OUTBOUND_DATA_ERROR refuses it",
    ),
    ("SecStreamInBodyInspection", ("Off",), "there is no STREAM_INPUT_BODY: rules read REQUEST_BODY"),
    ("SecStreamOutBodyInspection", ("Off",), "there is no STREAM_OUTPUT_BODY: rules read RESPONSE_BODY"),
    ("SecUploadKeepFiles", ("Off",), "uploaded files are never kept"),
    ("SecXmlExternalEntity", ("Off",), "no entity is ever resolved"),
)

_AUDIT = "has no effect here: `logs.audit` of revproxy.yaml says where audit records go"
_DEBUG = "has no effect here: `logs.level` of revproxy.yaml says how much is logged"
_SPOOL = "has no effect here: `spool` of revproxy.yaml names the folder for large bodies"
_CAPS = "has no effect here: `limits.caps` and `limits.timeouts` of revproxy.yaml bound connections"
_LINEAR = "has no effect here: patterns never backtrack, so nothing has to be cut off"
_MAP = "has no effect here: `%uHHHH` is its low byte, full-width forms are ASCII"
_NOTED: tuple[tuple[str, str], ...] = (
    ("SecAuditEngine", _AUDIT),
    ("SecAuditLog", _AUDIT),
    ("SecAuditLog2", _AUDIT),
    ("SecAuditLogDir", _AUDIT),
    ("SecAuditLogDirMode", _AUDIT),
    ("SecAuditLogFileMode", _AUDIT),
    ("SecAuditLogFormat", _AUDIT),
    ("SecAuditLogParts", _AUDIT),
    ("SecAuditLogRelevantStatus", _AUDIT),
    ("SecAuditLogStorageDir", _AUDIT),
    ("SecAuditLogType", _AUDIT),
    ("SecCacheTransformations", "has no effect here: what is remembered is bounded by `inspection.memory_bytes`"),
    ("SecChrootDir", "has no effect here: who starts the program confines it"),
    ("SecCollectionTimeout", "has no effect here: no collection outlives its transaction"),
    ("SecConnReadStateLimit", _CAPS),
    ("SecConnWriteStateLimit", _CAPS),
    ("SecDataDir", "has no effect here: no collection outlives its transaction"),
    ("SecDebugLog", _DEBUG),
    ("SecDebugLogLevel", _DEBUG),
    ("SecDisableBackendCompression", "has no effect here: compressed answers are decoded for inspection"),
    ("SecInterceptOnError", "has no effect here: `inspection.on_failure` of revproxy.yaml decides"),
    ("SecPcreMatchLimit", _LINEAR),
    ("SecPcreMatchLimitRecursion", _LINEAR),
    ("SecReadStateLimit", _CAPS),
    ("SecRemoteRulesFailAction", "has no effect here: no rules are fetched while a file is read"),
    ("SecRuleInheritance", "has no effect here: there is one rule set"),
    ("SecRulePerfTime", "has no effect here: metrics tell the time that inspection takes"),
    ("SecRxPreFilter", "has no effect here: all patterns are searched at once"),
    ("SecSensorId", "has no effect here: access records name the listener, audit records the route"),
    ("SecServerSignature", "has no effect here: the Server field of answers is left as it is"),
    ("SecStatusEngine", "has no effect here: nothing is reported to anyone"),
    ("SecTmpDir", _SPOOL),
    ("SecTmpSaveUploadedFiles", "has no effect here: contents of files are inspected without being saved"),
    ("SecUnicodeCodePage", _MAP),
    ("SecUnicodeMap", _MAP),
    ("SecUnicodeMapFile", _MAP),
    ("SecUploadDir", _SPOOL),
    ("SecUploadFileLimit", "has no effect here: `limits.content.parts` of revproxy.yaml bounds uploaded files"),
    ("SecUploadFileMode", "has no effect here: uploaded files are never kept"),
    ("SecWebAppId", "has no effect here: audit records name the route"),
    ("SecWriteStateLimit", _CAPS),
)

_LIMITS: tuple[tuple[str, Form, str], ...] = (
    ("SecArgumentsLimit", Form.NUMBER, "`limits.content.arguments` of revproxy.yaml bounds those of a body"),
    (
        "SecRequestBodyInMemoryLimit",
        Form.NUMBER,
        "`limits.http.body_memory_bytes` of revproxy.yaml says when a body goes to the spool",
    ),
    (
        "SecRequestBodyJsonDepthLimit",
        Form.NUMBER,
        "`limits.content.json_depth` of revproxy.yaml bounds the nesting of JSON",
    ),
    ("SecRequestBodyLimit", Form.NUMBER, "`body_bytes` of a route in revproxy.yaml bounds bodies"),
    (
        "SecRequestBodyNoFilesLimit",
        Form.NUMBER,
        "`limits.content.structured_bytes` of revproxy.yaml bounds bodies that are read whole",
    ),
    ("SecResponseBodyJsonDepthLimit", Form.NUMBER, "answers are not taken apart"),
    (
        "SecResponseBodyLimit",
        Form.NUMBER,
        "`limits.http.response_inspect_bytes` of revproxy.yaml says how much is inspected",
    ),
    ("SecResponseBodyMimeType", Form.TEXTS, "answers of text, JSON and XML are inspected"),
    ("SecResponseBodyMimeTypesClear", Form.NOTHING, "answers of text, JSON and XML are inspected"),
)

_HASHES = "links are not signed: remove it"
_REFUSED: tuple[tuple[str, str], ...] = (
    ("SecGeoLookupDb", "there is no geographic database: match addresses with @ipMatchFromFile"),
    ("SecGsbLookupDb", "nothing is looked up while a request waits: list the names with @pmFromFile"),
    ("SecGuardianLog", "no log goes to a program: `logs` of revproxy.yaml names files and syslog"),
    ("SecHashKey", _HASHES),
    ("SecHashMethodPm", _HASHES),
    ("SecHashMethodRx", _HASHES),
    ("SecHashParam", _HASHES),
    ("SecHttpBlKey", "nothing is looked up while a request waits: list the addresses with @ipMatchFromFile"),
    ("SecRemoteRules", "rules are not fetched while a file is read: put the file beside the others"),
    ("SecRuleScript", "no script runs in the engine: write the test as SecRules"),
)

_ROWS = (
    *(DirectiveSpec(name, form, Status.HONOURED) for name, form in _HONOURED),
    *(DirectiveSpec(name, Form.TEXT, Status.FIXED, why, only) for name, only, why in _FIXED),
    *(DirectiveSpec(name, Form.ANYTHING, Status.NOTED, why) for name, why in _NOTED),
    *(DirectiveSpec(name, form, Status.NOTED, f"has no effect here: {why}") for name, form, why in _LIMITS),
    *(DirectiveSpec(name, Form.ANYTHING, Status.REFUSED, why) for name, why in _REFUSED),
)

DIRECTIVES: dict[str, DirectiveSpec] = {row.name.lower(): row for row in _ROWS}
"""By name in lower case: directives are compared without case."""
