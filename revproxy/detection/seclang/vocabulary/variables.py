"""Variables: which take a key, and which of them are there. All of ModSecurity 2, ModSecurity 3 and Coraza are here.

A table, no logic. `why` says what to use instead of a variable that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from revproxy.detection.seclang.vocabulary.status import Status


class Keys(Enum):
    """What may stand after the colon."""

    NONE = auto()
    KEYS = auto()
    XPATH = auto()


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """One row."""

    name: str
    keys: Keys
    status: Status
    why: str = ""


_PLAIN = """
    ARGS_COMBINED_SIZE AUTH_TYPE DURATION FILES_COMBINED_SIZE FULL_REQUEST FULL_REQUEST_LENGTH HIGHEST_SEVERITY
    INBOUND_DATA_ERROR MATCHED_VAR MATCHED_VAR_NAME MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE
    MULTIPART_CRLF_LF_LINES MULTIPART_DATA_AFTER MULTIPART_DATA_BEFORE MULTIPART_FILE_LIMIT_EXCEEDED
    MULTIPART_HEADER_FOLDING MULTIPART_INVALID_HEADER_FOLDING MULTIPART_INVALID_PART MULTIPART_INVALID_QUOTING
    MULTIPART_LF_LINE MULTIPART_MISSING_SEMICOLON MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY
    OUTBOUND_DATA_ERROR PATH_INFO QUERY_STRING REMOTE_ADDR REMOTE_PORT REMOTE_USER REQBODY_ERROR REQBODY_ERROR_MSG
    REQBODY_PROCESSOR REQBODY_PROCESSOR_ERROR REQBODY_PROCESSOR_ERROR_MSG REQUEST_BASENAME REQUEST_BODY
    REQUEST_BODY_LENGTH REQUEST_FILENAME REQUEST_LINE REQUEST_METHOD REQUEST_PROTOCOL REQUEST_URI REQUEST_URI_RAW
    RESPONSE_BODY RESPONSE_CONTENT_LENGTH RESPONSE_CONTENT_TYPE RESPONSE_PROTOCOL RESPONSE_STATUS SERVER_ADDR
    SERVER_NAME SERVER_PORT STATUS_LINE TIME TIME_DAY TIME_EPOCH TIME_HOUR TIME_MIN TIME_MON TIME_SEC TIME_WDAY
    TIME_YEAR UNIQUE_ID URLENCODED_ERROR
"""
_KEYED = """
    ARGS ARGS_GET ARGS_GET_NAMES ARGS_NAMES ARGS_POST ARGS_POST_NAMES FILES FILES_NAMES FILES_SIZES FILES_TMP_CONTENT
    MATCHED_VARS MATCHED_VARS_NAMES MULTIPART_FILENAME MULTIPART_NAME MULTIPART_PART_HEADERS REQUEST_COOKIES
    REQUEST_COOKIES_NAMES REQUEST_HEADERS REQUEST_HEADERS_NAMES RESPONSE_HEADERS RESPONSE_HEADERS_NAMES RULE TX
"""

_SCRIPT = "no script runs here: use REQUEST_FILENAME"
_PERF = "metrics tell the time that inspection takes"
_RESPONSE = "answers are not taken apart: use RESPONSE_BODY"
_ABSENT: tuple[tuple[str, Keys, str], ...] = (
    ("ARGS_PATH", Keys.KEYS, "paths are not taken apart: use REQUEST_FILENAME"),
    ("ENV", Keys.KEYS, "rules do not see the environment: use TX"),
    ("FILES_TMPNAMES", Keys.KEYS, "uploaded files are not saved: use FILES_TMP_CONTENT"),
    ("GEO", Keys.KEYS, "there is no geographic database: use REMOTE_ADDR with @ipMatchFromFile"),
    ("JSON", Keys.KEYS, "values of a JSON body are in ARGS, as json.name"),
    ("MODSEC_BUILD", Keys.NONE, "this is not ModSecurity"),
    ("PERF_ALL", Keys.NONE, _PERF),
    ("PERF_COMBINED", Keys.NONE, _PERF),
    ("PERF_GC", Keys.NONE, _PERF),
    ("PERF_LOGGING", Keys.NONE, _PERF),
    ("PERF_PHASE1", Keys.NONE, _PERF),
    ("PERF_PHASE2", Keys.NONE, _PERF),
    ("PERF_PHASE3", Keys.NONE, _PERF),
    ("PERF_PHASE4", Keys.NONE, _PERF),
    ("PERF_PHASE5", Keys.NONE, _PERF),
    ("PERF_RULES", Keys.KEYS, _PERF),
    ("PERF_SREAD", Keys.NONE, _PERF),
    ("PERF_SWRITE", Keys.NONE, _PERF),
    ("REMOTE_HOST", Keys.NONE, "addresses are not looked up: use REMOTE_ADDR"),
    ("REMOTE_IDENT", Keys.NONE, "clients are not asked for it: use REMOTE_ADDR"),
    ("RESPONSE_ARGS", Keys.KEYS, _RESPONSE),
    ("RESPONSE_XML", Keys.XPATH, _RESPONSE),
    ("RES_BODY_ERROR", Keys.NONE, _RESPONSE),
    ("RES_BODY_ERROR_MSG", Keys.NONE, _RESPONSE),
    ("RES_BODY_PROCESSOR", Keys.NONE, _RESPONSE),
    ("RES_BODY_PROCESSOR_ERROR", Keys.NONE, _RESPONSE),
    ("RES_BODY_PROCESSOR_ERROR_MSG", Keys.NONE, _RESPONSE),
    ("SCRIPT_BASENAME", Keys.NONE, _SCRIPT),
    ("SCRIPT_FILENAME", Keys.NONE, _SCRIPT),
    ("SCRIPT_GID", Keys.NONE, _SCRIPT),
    ("SCRIPT_GROUPNAME", Keys.NONE, _SCRIPT),
    ("SCRIPT_MODE", Keys.NONE, _SCRIPT),
    ("SCRIPT_UID", Keys.NONE, _SCRIPT),
    ("SCRIPT_USERNAME", Keys.NONE, _SCRIPT),
    ("SDBM_DELETE_ERROR", Keys.NONE, "no collection outlives its transaction"),
    ("STATUS", Keys.NONE, "use RESPONSE_STATUS"),
    ("STREAM_INPUT_BODY", Keys.NONE, "use REQUEST_BODY"),
    ("STREAM_OUTPUT_BODY", Keys.NONE, "use RESPONSE_BODY"),
    ("USERAGENT_IP", Keys.NONE, "use REMOTE_ADDR: `trusted_proxies` of a listener says whom to believe"),
    ("WEBAPPID", Keys.NONE, "there is one rule set"),
    ("WEBSERVER_ERROR_LOG", Keys.NONE, "there is no such log"),
)

_FORMS = "is always empty here: a part with `filename*` breaks the body, see REQBODY_ERROR"
_IDLE: tuple[tuple[str, Keys, str], ...] = (
    (
        "ARGUMENTS_LIMIT_REACHED",
        Keys.NONE,
        "is always 0 here: no argument is left out; bodies of too many are refused",
    ),
    (
        "MULTIPART_DUPLICATE_PART_HEADER",
        Keys.NONE,
        "is always empty here: what repeats in the head of a part breaks the body, see MULTIPART_STRICT_ERROR",
    ),
    ("MULTIPART_FILENAME_CHARSET", Keys.KEYS, _FORMS),
    ("MULTIPART_FILENAME_LANGUAGE", Keys.KEYS, _FORMS),
    ("URI_PARSE_ERROR", Keys.NONE, "is always 0 here: a target that cannot be read is refused before any rule runs"),
)
"""There, though nothing ever stands in them."""

_ROWS = (
    *(VariableSpec(name, Keys.NONE, Status.HONOURED) for name in _PLAIN.split()),
    *(VariableSpec(name, Keys.KEYS, Status.HONOURED) for name in _KEYED.split()),
    VariableSpec("XML", Keys.XPATH, Status.HONOURED),
    *(VariableSpec(name, Keys.KEYS, Status.PERSISTENT) for name in ("GLOBAL", "IP", "RESOURCE", "SESSION", "USER")),
    *(VariableSpec(name, Keys.NONE, Status.PERSISTENT) for name in ("SESSIONID", "USERID")),
    *(VariableSpec(name, keys, Status.NOTED, why) for name, keys, why in _IDLE),
    *(VariableSpec(name, keys, Status.REFUSED, why) for name, keys, why in _ABSENT),
)

VARIABLES: dict[str, VariableSpec] = {row.name: row for row in _ROWS}
"""By name in upper case: variables are compared without case."""

SAME = {
    "MULTIPART_SEMICOLON_MISSING": "MULTIPART_MISSING_SEMICOLON",
    "REQUEST_XML": "XML",
}
"""Other names of a variable."""

WRITABLE = ("TX", "GLOBAL", "IP", "RESOURCE", "SESSION", "USER")
"""The collections that `setvar` and `expirevar` may name; all but TX are persistent."""
