"""The field table: every name that a rule can ask for, for every protocol.

One row a field. `klass` says with which others its values are joined and scanned (see `detection.link`);
`phase` is the first phase in which it is filled; `keyed` fields carry a key for each value, and `NAME.names` is
then the field of those keys. Filling happens in `proxy/*/fields.py`; nothing else knows where values come from.
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

_ROWS: tuple[tuple[str, str, FieldClass, Phase, frozenset[Protocol], bool, str], ...] = (
    # name, SecLang, class, phase, protocols, keyed, what
    ("client", "REMOTE_ADDR", _L, Phase.HEAD, _BOTH, False, "address of the client, as text"),
    ("method", "REQUEST_METHOD", _L, Phase.HEAD, _HTTP, False, "request method"),
    ("version", "REQUEST_PROTOCOL", _L, Phase.HEAD, _HTTP, False, "HTTP/1.0, HTTP/1.1 or HTTP/2.0"),
    ("line", "REQUEST_LINE", _P, Phase.HEAD, _HTTP, False, "method, target and version"),
    ("target", "REQUEST_URI_RAW", _P, Phase.HEAD, _HTTP, False, "request target as it arrived"),
    ("uri", "REQUEST_URI", _P, Phase.HEAD, _HTTP, False, "path and query as they arrived"),
    ("path", "REQUEST_FILENAME", _P, Phase.HEAD, _HTTP, False, "path as it arrived, not decoded"),
    ("basename", "REQUEST_BASENAME", _P, Phase.HEAD, _HTTP, False, "last segment of the path"),
    ("query", "QUERY_STRING", _P, Phase.HEAD, _HTTP, False, "query string as it arrived"),
    (
        "headers",
        "REQUEST_HEADERS",
        _H,
        Phase.HEAD,
        _BOTH,
        True,
        "header fields: of the request, or of the message",
    ),
    ("cookies", "REQUEST_COOKIES", _T, Phase.HEAD, _HTTP, True, "cookie values as they arrived"),
    ("args", "ARGS", _T, Phase.BODY, _HTTP, True, "decoded arguments of query and body"),
    ("args.get", "ARGS_GET", _T, Phase.HEAD, _HTTP, True, "decoded arguments of the query"),
    ("args.post", "ARGS_POST", _T, Phase.BODY, _HTTP, True, "decoded arguments of the body"),
    ("body", "REQUEST_BODY", _B, Phase.BODY, _HTTP, False, "body of an unknown type, or a window of it"),
    ("body.length", "REQUEST_BODY_LENGTH", _L, Phase.BODY, _HTTP, False, "its length in bytes, decimal"),
    (
        "body.type",
        "REQBODY_PROCESSOR",
        _L,
        Phase.BODY,
        _HTTP,
        False,
        "URLENCODED, MULTIPART, JSON, XML, RAW or nothing",
    ),
    (
        "body.error",
        "REQBODY_ERROR",
        _L,
        Phase.BODY,
        _BOTH,
        False,
        "a short word when body or message broke its type",
    ),
    ("xml", "XML:/*", _T, Phase.BODY, _HTTP, False, "text of XML elements"),
    ("xml.attributes", "XML://@*", _T, Phase.BODY, _HTTP, False, "values of XML attributes"),
    (
        "files",
        "FILES",
        _T,
        Phase.BODY,
        _BOTH,
        True,
        "names of uploaded files or attachments, keyed by form field",
    ),
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
    ("status", "RESPONSE_STATUS", _L, Phase.REPLY_HEAD, _HTTP, False, "status of the answer"),
    ("reply.headers", "RESPONSE_HEADERS", _H, Phase.REPLY_HEAD, _HTTP, True, "header fields of the answer"),
    ("reply.body", "RESPONSE_BODY", _B, Phase.REPLY_BODY, _HTTP, False, "body of the answer, decoded"),
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


def _specs() -> dict[str, FieldSpec]:
    table: dict[str, FieldSpec] = {}
    for name, seclang, klass, phase, protocols, keyed, what in _ROWS:
        table[name] = FieldSpec(name, seclang, klass, phase, protocols, keyed, what)
        if keyed:
            names = f"{name}.names"
            variable = f"{seclang}_NAMES" if seclang else ""
            table[names] = FieldSpec(names, variable, klass, phase, protocols, False, f"keys of `{name}`")
    return table


FIELDS: dict[str, FieldSpec] = _specs()
"""By name. `X.names` is derived: the engine reads it from the keys of `X`, nobody fills it."""
