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
    LIMIT_ACTION = auto()
    NUMBER = auto()
    TEXT = auto()
    TEXTS = auto()
    ANYTHING = auto()


WORDS: dict[Form, tuple[str, ...]] = {
    Form.FLAG: ("On", "Off"),
    Form.ENGINE: ("On", "Off", "DetectionOnly"),
    Form.LIMIT_ACTION: ("Reject", "ProcessPartial"),
}
"""The words of a form that is a choice."""


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    """One row. `only` are the values, in lower case, that a FIXED directive may have."""

    name: str
    form: Form
    status: Status
    why: str = ""
    only: tuple[str, ...] = ()


_HONOURED: tuple[tuple[str, Form], ...] = (
    ("Include", Form.INCLUDE),
    ("IncludeOptional", Form.INCLUDE),
    ("SecAction", Form.ACTION),
    ("SecArgumentsLimit", Form.NUMBER),
    ("SecComponentSignature", Form.TEXT),
    ("SecDataset", Form.DATASET),
    ("SecDefaultAction", Form.DEFAULT),
    ("SecMarker", Form.MARKER),
    ("SecRequestBodyAccess", Form.FLAG),
    ("SecRequestBodyJsonDepthLimit", Form.NUMBER),
    ("SecRequestBodyLimit", Form.NUMBER),
    ("SecRequestBodyLimitAction", Form.LIMIT_ACTION),
    ("SecRequestBodyNoFilesLimit", Form.NUMBER),
    ("SecResponseBodyAccess", Form.FLAG),
    ("SecResponseBodyLimit", Form.NUMBER),
    ("SecResponseBodyLimitAction", Form.LIMIT_ACTION),
    ("SecResponseBodyMimeType", Form.TEXTS),
    ("SecResponseBodyMimeTypesClear", Form.NOTHING),
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
    ("SecConnEngine", ("off",), "connections are counted by `limits.caps` of revproxy.yaml"),
    ("SecContentInjection", ("off",), "answers are never written to"),
    ("SecCookieFormat", ("0",), "cookies are read as browsers send them, version 0"),
    ("SecCookieV0Separator", (";",), "cookies are separated by `;` only"),
    ("SecHashEngine", ("off",), "links are not signed"),
    (
        "SecIgnoreRuleCompilationErrors",
        ("off",),
        "a rule that cannot be enforced is an error: mend it or take it out",
    ),
    ("SecParseXmlIntoArgs", ("off",), "XML is not put into ARGS: name `XML:/*` and `XML://@*` in the rules"),
    ("SecStreamInBodyInspection", ("off",), "there is no STREAM_INPUT_BODY: rules read REQUEST_BODY"),
    ("SecStreamOutBodyInspection", ("off",), "there is no STREAM_OUTPUT_BODY: rules read RESPONSE_BODY"),
    ("SecUploadKeepFiles", ("off",), "uploaded files are never kept"),
    ("SecXmlExternalEntity", ("off",), "no entity is ever resolved"),
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
    ("SecChrootDir", "has no effect here: workers are confined without it"),
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
    (
        "SecRequestBodyInMemoryLimit",
        "has no effect here: `limits.http.body_memory_bytes` of revproxy.yaml says when a body goes to the spool",
    ),
    ("SecRuleInheritance", "has no effect here: there is one rule set"),
    ("SecRulePerfTime", "has no effect here: metrics tell the time that inspection takes"),
    ("SecRxPreFilter", "has no effect here: all patterns are searched at once"),
    ("SecSensorId", "has no effect here: audit records name the listener and the route"),
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
    ("SecRemoteRules", "rules are not fetched while a file is read: use `revproxy signatures add`"),
    ("SecRuleScript", "no script runs in the engine: write the test as SecRules"),
)

_ROWS = (
    *(DirectiveSpec(name, form, Status.HONOURED) for name, form in _HONOURED),
    *(DirectiveSpec(name, Form.TEXT, Status.FIXED, why, only) for name, only, why in _FIXED),
    *(DirectiveSpec(name, Form.ANYTHING, Status.NOTED, why) for name, why in _NOTED),
    *(DirectiveSpec(name, Form.ANYTHING, Status.REFUSED, why) for name, why in _REFUSED),
)

DIRECTIVES: dict[str, DirectiveSpec] = {row.name.lower(): row for row in _ROWS}
"""By name in lower case: directives are compared without case."""
