"""The field table: every name that a rule can ask for, for every protocol.

One row a field. `klass` says with which others its values are joined and scanned (see `detection.link`);
`phase` is the first phase in which it is filled; `keyed` fields carry a key for each value, and `NAME.names` is
then the field of those keys. Filling happens in `proxy/*/fields.py`; nothing else knows where values come from.

Where SecLang's variable holds something else than signatures need, there are two fields: SecLang's, which is what
libmodsecurity 3 has there (`tests/proxy/http/test_reference.py` holds them against it), and ours. A single value
that SecLang asks for is there even when it is empty, as in libmodsecurity 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from revproxy.model import Phase, Protocol


class FieldClass(StrEnum):
    """Classes of values that look alike, so that one database serves them."""

    TEXT = "text"
    """arguments, cookies, their names, mail text"""
    PATH = "path"
    HEADER = "header"
    LINE = "line"
    """short protocol words: method, version, addresses, types, status"""
    BODY = "body"
    """long raw contents"""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One row."""

    name: str
    seclang: str
    """the SecLang variable, or nothing"""
    klass: FieldClass
    phase: Phase
    protocols: frozenset[Protocol]
    keyed: bool
    what: str


_HTTP = frozenset({Protocol.HTTP})
_SMTP = frozenset({Protocol.SMTP})
_BOTH = _HTTP | _SMTP
_T, _P, _H, _L, _B = FieldClass.TEXT, FieldClass.PATH, FieldClass.HEADER, FieldClass.LINE, FieldClass.BODY

_REPLY, _ANSWER = Phase.REPLY_HEAD, Phase.REPLY_BODY

_ROWS: tuple[tuple[str, str, FieldClass, Phase, frozenset[Protocol], bool, str], ...] = (
    # name, SecLang, class, phase, protocols, keyed, what
    # The connection and the request line.
    ("client", "REMOTE_ADDR", _L, Phase.HEAD, _BOTH, False, "address of the client, as text"),
    ("client.port", "REMOTE_PORT", _L, Phase.HEAD, _HTTP, False, "port at the other end of the connection"),
    ("host.name", "SERVER_NAME", _L, Phase.HEAD, _HTTP, False, "Host as it arrived, without its port"),
    ("host.address", "SERVER_ADDR", _L, Phase.HEAD, _HTTP, False, "address that the client connected to"),
    ("host.port", "SERVER_PORT", _L, Phase.HEAD, _HTTP, False, "port that the client connected to"),
    ("time", "", _L, Phase.HEAD, _HTTP, True, "local time: time, day, epoch, hour, min, mon, sec, wday, year"),
    ("method", "REQUEST_METHOD", _L, Phase.HEAD, _HTTP, False, "request method"),
    ("version", "REQUEST_PROTOCOL", _L, Phase.HEAD, _HTTP, False, "HTTP/1.0, HTTP/1.1 or HTTP/2.0"),
    ("line", "REQUEST_LINE", _P, Phase.HEAD, _HTTP, False, "method, target and version"),
    ("target", "REQUEST_URI_RAW", _P, Phase.HEAD, _HTTP, False, "request target as it arrived"),
    ("uri", "", _P, Phase.HEAD, _HTTP, False, "path and query as they arrived"),
    ("uri.decoded", "REQUEST_URI", _P, Phase.HEAD, _HTTP, False, "path and query, percent-decoded once"),
    ("path", "", _P, Phase.HEAD, _HTTP, False, "path as it arrived, not decoded"),
    ("path.decoded", "REQUEST_FILENAME", _P, Phase.HEAD, _HTTP, False, "path, percent-decoded once"),
    ("basename", "", _P, Phase.HEAD, _HTTP, False, "last segment of the path, not decoded"),
    (
        "basename.decoded",
        "REQUEST_BASENAME",
        _P,
        Phase.HEAD,
        _HTTP,
        False,
        "what follows the last slash or backslash of the decoded path",
    ),
    ("query", "QUERY_STRING", _P, Phase.HEAD, _HTTP, False, "query string as it arrived, empty when there is none"),
    # Header fields.
    (
        "headers",
        "REQUEST_HEADERS",
        _H,
        Phase.HEAD,
        _BOTH,
        True,
        "header fields: of the request, or of the message",
    ),
    (
        "headers.written",
        "REQUEST_HEADERS_NAMES",
        _H,
        Phase.HEAD,
        _HTTP,
        True,
        "names of header fields as they were written, keyed by the same in lower case",
    ),
    ("referer.site", "", _L, Phase.HEAD, _HTTP, False, "same or other: whose page Referer names; nothing without it"),
    ("auth.type", "AUTH_TYPE", _L, Phase.HEAD, _HTTP, False, "scheme of Authorization"),
    ("auth.user", "REMOTE_USER", _L, Phase.HEAD, _HTTP, False, "user name of Authorization: Basic"),
    (
        "cookies",
        "",
        _T,
        Phase.HEAD,
        _HTTP,
        True,
        "cookie values as they arrived, and unquoted where servers read quotes",
    ),
    ("cookies.plain", "REQUEST_COOKIES", _T, Phase.HEAD, _HTTP, True, "cookie values as they arrived, read one way"),
    # Arguments.
    (
        "args",
        "",
        _T,
        Phase.BODY,
        _HTTP,
        True,
        "decoded arguments of query and body, and what else a server may take for one: names that repeat with "
        "their values joined, JSON, XML and forms within values and bodies that are not declared as such",
    ),
    ("args.plain", "ARGS", _T, Phase.BODY, _HTTP, True, "decoded arguments of query and body, each once"),
    ("args.get", "ARGS_GET", _T, Phase.HEAD, _HTTP, True, "decoded arguments of the query"),
    ("args.post", "ARGS_POST", _T, Phase.BODY, _HTTP, True, "decoded arguments of the body"),
    (
        "args.size",
        "ARGS_COMBINED_SIZE",
        _L,
        Phase.BODY,
        _HTTP,
        False,
        "bytes of names and values of `args.plain`, decimal",
    ),
    (
        "args.error",
        "URLENCODED_ERROR",
        _L,
        Phase.BODY,
        _HTTP,
        False,
        "1 when query or form holds a percent sign that is no escape, else 0",
    ),
    # The body.
    ("body", "", _B, Phase.BODY, _HTTP, False, "body of an unknown type, or a window of it"),
    (
        "body.raw",
        "REQUEST_BODY",
        _B,
        Phase.BODY,
        _HTTP,
        False,
        "decoded body of any type but XML, or a window of it; of XML where a rule forces it or it is none",
    ),
    ("body.length", "REQUEST_BODY_LENGTH", _L, Phase.BODY, _HTTP, False, "length of the decoded body, decimal"),
    (
        "body.type",
        "REQBODY_PROCESSOR",
        _L,
        Phase.HEAD,
        _HTTP,
        False,
        "URLENCODED, MULTIPART, JSON, XML, RAW or nothing",
    ),
    ("body.failed", "REQBODY_ERROR", _L, Phase.BODY, _HTTP, False, "1 when the body broke its type, else 0"),
    (
        "body.error",
        "REQBODY_ERROR_MSG",
        _L,
        Phase.BODY,
        _BOTH,
        False,
        "a short word when body or message broke its type",
    ),
    (
        "inbound.incomplete",
        "INBOUND_DATA_ERROR",
        _L,
        Phase.BODY,
        _HTTP,
        False,
        "0: a body that is too long is refused",
    ),
    ("request", "FULL_REQUEST", _B, Phase.BODY, _HTTP, False, "request line, header fields and `body.raw`"),
    ("request.length", "FULL_REQUEST_LENGTH", _L, Phase.BODY, _HTTP, False, "length of all of it, decimal"),
    ("xml", "", _T, Phase.BODY, _HTTP, False, "text of each XML element, comment and instruction"),
    ("xml.text", "XML:/*", _T, Phase.BODY, _HTTP, False, "text of all XML elements together"),
    ("xml.attributes", "", _T, Phase.BODY, _HTTP, False, "values of XML attributes and namespaces"),
    ("xml.attributes.plain", "XML://@*", _T, Phase.BODY, _HTTP, False, "values of XML attributes"),
    # Files and parts.
    (
        "files",
        "",
        _T,
        Phase.BODY,
        _BOTH,
        True,
        "names of uploaded files or attachments, keyed by form field",
    ),
    (
        "files.plain",
        "FILES",
        _T,
        Phase.BODY,
        _HTTP,
        True,
        "names of uploaded files as written, keyed by form field; an empty name is none",
    ),
    ("files.size", "FILES_COMBINED_SIZE", _L, Phase.BODY, _HTTP, False, "bytes of all uploaded files, decimal"),
    ("files.sizes", "FILES_SIZES", _L, Phase.BODY, _HTTP, True, "bytes of each, decimal, keyed by form field"),
    ("files.types", "", _L, Phase.BODY, _BOTH, True, "their declared types, lower case, keyed by file name"),
    (
        "files.content",
        "FILES_TMP_CONTENT",
        _B,
        Phase.BODY,
        _BOTH,
        True,
        "their decoded contents, keyed by file name",
    ),
    (
        "files.magic",
        "",
        _L,
        Phase.BODY,
        _BOTH,
        True,
        "what their first bytes say they are (elf, pe, zip, pdf, ole, ...)",
    ),
    ("parts.headers", "MULTIPART_PART_HEADERS", _H, Phase.BODY, _BOTH, True, "header lines of body parts"),
    (
        "multipart.errors",
        "",
        _L,
        Phase.BODY,
        _HTTP,
        True,
        "for each way to break a multipart body (`content.flaws`) 1 or 0; of multipart bodies only",
    ),
    ("multipart.names", "MULTIPART_NAME", _T, Phase.BODY, _HTTP, True, "form field of each part, keyed by itself"),
    (
        "multipart.filenames",
        "MULTIPART_FILENAME",
        _T,
        Phase.BODY,
        _HTTP,
        True,
        "file name of each part that has one, as written, keyed by itself",
    ),
    # The answer.
    ("status", "RESPONSE_STATUS", _L, _REPLY, _HTTP, False, "status of the answer"),
    ("reply.line", "STATUS_LINE", _L, _REPLY, _HTTP, False, "version, status and reason"),
    ("reply.version", "RESPONSE_PROTOCOL", _L, _REPLY, _HTTP, False, "HTTP/1.0 or HTTP/1.1"),
    ("reply.type", "RESPONSE_CONTENT_TYPE", _L, _REPLY, _HTTP, False, "its type as it arrived, without parameters"),
    ("reply.headers", "RESPONSE_HEADERS", _H, _REPLY, _HTTP, True, "header fields of the answer"),
    (
        "reply.headers.written",
        "RESPONSE_HEADERS_NAMES",
        _H,
        _REPLY,
        _HTTP,
        True,
        "their names as they were written, keyed by the same in lower case",
    ),
    ("reply.body", "RESPONSE_BODY", _B, _ANSWER, _HTTP, False, "body of the answer, decoded"),
    (
        "reply.length",
        "RESPONSE_CONTENT_LENGTH",
        _L,
        _ANSWER,
        _HTTP,
        False,
        "bytes of `reply.body`, decimal",
    ),
    (
        "outbound.incomplete",
        "OUTBOUND_DATA_ERROR",
        _L,
        _ANSWER,
        _HTTP,
        False,
        "1 when the answer goes on behind `reply.body`, else 0",
    ),
    # Mail.
    ("helo", "", _L, Phase.HEAD, _SMTP, False, "argument of HELO or EHLO"),
    ("sender", "", _L, Phase.HEAD, _SMTP, False, "envelope sender, empty for <>"),
    ("recipients", "", _L, Phase.HEAD, _SMTP, False, "envelope recipients"),
    ("subject", "", _T, Phase.BODY, _SMTP, False, "decoded subject"),
    ("from.name", "", _T, Phase.BODY, _SMTP, False, "decoded display name of From"),
    ("from.address", "", _L, Phase.BODY, _SMTP, False, "address of From"),
    ("text", "", _T, Phase.BODY, _SMTP, False, "decoded text parts, HTML ones too"),
    (
        "mime.ambiguity",
        "",
        _L,
        Phase.BODY,
        _SMTP,
        False,
        "where two readers of the message disagree, a word each",
    ),
    ("archive.names", "", _T, Phase.BODY, _BOTH, True, "names of files inside archives, keyed by archive"),
)
_NAMED = frozenset({"ARGS", "ARGS_GET", "ARGS_POST", "REQUEST_COOKIES", "FILES"})
"""Variables of SecLang whose keys are a variable too, `ARGS_NAMES`."""


def _specs() -> dict[str, FieldSpec]:
    table: dict[str, FieldSpec] = {}
    for name, seclang, klass, phase, protocols, keyed, what in _ROWS:
        table[name] = FieldSpec(name, seclang, klass, phase, protocols, keyed, what)
        if keyed:
            names = f"{name}.names"
            variable = f"{seclang}_NAMES" if seclang in _NAMED else ""
            table[names] = FieldSpec(names, variable, klass, phase, protocols, False, f"keys of `{name}`")
    return table


KEYED_VARIABLES: dict[str, str] = {"multipart.errors": "MULTIPART", "time": "TIME"}
"""Fields each of whose keys is a variable of SecLang: how their names begin, `MULTIPART_STRICT_ERROR`."""

FIELDS: dict[str, FieldSpec] = _specs()
"""By name. `X.names` is derived: the engine reads it from the keys of `X`, nobody fills it."""

FILLED: frozenset[str] = frozenset(row[0] for row in _ROWS)
"""Fields that somebody fills: whoever does is told which of these are wanted."""

BEGUN: frozenset[str] = frozenset(
    n for n in FIELDS if n.removesuffix(".names") in ("args", "args.plain", "args.size")
)
"""Fields of HTTP that hold something from phase HEAD on: the arguments of the query, before those of the body."""

AS_WRITTEN: dict[str, str] = {"headers": "headers.written", "reply.headers": "reply.headers.written"}
"""Fields whose keys are in lower case, and where these stand as their peer wrote them."""

BODY_TYPE = "body.type"
"""The field that a rule changes which says how the body is to be read (`Control.BODY_PROCESSOR`)."""

IN_PARTS: frozenset[str] = frozenset({"args", "body", "body.raw", "files.content"})
"""Fields that may be too long to be held: they are then filled, and inspected, a part at a time. `args` has a part of
a body that is text of no known type."""
