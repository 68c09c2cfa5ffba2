"""The strict gate: one complete, bounded HTTP/1 head in, a parsed head out, or HttpError. Nothing is repaired.

Invariants of what comes out:
- every line ended in CRLF, no line was folded, no CTL but HTAB stood in a value, every name is a token;
- the framing is unambiguous: at most one of Content-Length and `chunked`, each written once, `chunked` as the last of
  its list;
- the target is visible ASCII in origin-form (or `*` for OPTIONS) and its authority, if it had one, was Host's.

What the fields other than those of framing and connection mean is decided elsewhere, and so is what is sent on.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeVar

from revproxy.errors import HttpError
from revproxy.model import HttpLimits
from revproxy.protocols.http1.codings import transfer_codings
from revproxy.protocols.http1.connection import KEEP_ALIVE_ONLY, connection_options
from revproxy.protocols.http1.fields import (
    CONTROLS,
    SINGLE_IN_REQUEST,
    SINGLE_IN_RESPONSE,
    FieldLine,
    FieldLines,
    field_names,
)
from revproxy.protocols.http1.heads import RequestHead, ResponseHead
from revproxy.protocols.http1.target import check_host, check_method, check_target

_LINES: Final = FieldLines(field_names())
_HTTP11: Final = b"HTTP/1.1"
_HTTP10: Final = b"HTTP/1.0"
_CHUNKED: Final = b"chunked"
_NONE: Final[frozenset[bytes]] = frozenset()


class Framing(IntEnum):
    """How the end of a response's body is found; the length is the head's `content_length`."""

    NONE = 0
    LENGTH = 1
    CHUNKED = 2
    CLOSE = 3


_KEPT_MOST: Final = 512
_KEPT_BYTES: Final = 1024
_requests: dict[bytes, tuple[HttpLimits, RequestHead]] = {}
_responses: dict[bytes, tuple[HttpLimits, ResponseHead]] = {}
_T = TypeVar("_T")


def parse_request(head: bytes, limits: HttpLimits) -> RequestHead:
    """Parse everything up to and including the empty line (RFC 9112 3 and 5).

    Raises HttpError with 400, 414, 417, 431, 501 or 505; a connection on which it did must be closed. What comes out
    is not to be changed: a head that comes again, byte for byte, is the same object.
    """
    known = _requests.get(head)
    if known is not None and known[0] is limits:
        return known[1]
    parsed = _parse_request(head, limits)
    if len(head) <= _KEPT_BYTES and b"cookie" not in parsed.first and b"referer" not in parsed.first:
        _keep(_requests, head, (limits, parsed))
    return parsed


def parse_response(head: bytes, limits: HttpLimits) -> ResponseHead:
    """Parse an internal server's head (RFC 9112 4). Raises HttpError(502); its connection must be discarded.

    As `parse_request`: not to be changed.
    """
    known = _responses.get(head)
    if known is not None and known[0] is limits:
        return known[1]
    parsed = _parse_response(head, limits)
    if len(head) <= _KEPT_BYTES and b"set-cookie" not in parsed.first:
        _keep(_responses, head, (limits, parsed))
    return parsed


def _keep(table: dict[bytes, _T], head: bytes, parsed: _T) -> None:
    """Monitors, API clients and assets ask, and are answered, with the same bytes again and again. At most 512 heads
    are kept; the table begins anew when it is full, so that heads that never come again cost little."""
    if len(table) >= _KEPT_MOST:
        table.clear()
    table[head] = parsed


def _parse_request(head: bytes, limits: HttpLimits) -> RequestHead:
    lines = _lines(head, limits, 400)
    method, target, version = _request_line(lines.pop(0), limits.target_bytes)
    parsed, names, first = _fields(lines, SINGLE_IN_REQUEST, 400)
    modern = version == _HTTP11

    host = first.get(b"host")
    if host is not None:
        host = check_host(host)
    elif modern:
        raise HttpError(400, "no-host")
    else:
        host = b""
    target = check_target(method, target, host, limits.target_bytes)

    length = first.get(b"content-length")
    coding = first.get(b"transfer-encoding")
    if length is not None or coding is not None:
        content_length = _framing(length, coding, modern, 400)
    else:
        content_length = None

    expect = first.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        raise HttpError(417, "expect")

    option = first.get(b"connection")
    if option is None:
        options = _NONE
        keep_alive = modern
    else:
        options = KEEP_ALIVE_ONLY.get(option) or connection_options(parsed, 400)
        keep_alive = b"close" not in options and (modern or b"keep-alive" in options)
    return RequestHead(
        method,
        target,
        version,
        parsed,
        names,
        host,
        content_length,
        coding is not None,
        # RFC 9110 10.1.1: in HTTP/1.0 the expectation is ignored.
        expect is not None and modern,
        keep_alive,
        b"upgrade" in first,
        options,
        first,
    )


def _parse_response(head: bytes, limits: HttpLimits) -> ResponseHead:
    lines = _lines(head, limits, 502)
    version, status, reason = _status_line(lines.pop(0))
    parsed, names, first = _fields(lines, SINGLE_IN_RESPONSE, 502)
    modern = version == _HTTP11

    length = first.get(b"content-length")
    coding = first.get(b"transfer-encoding")
    if length is not None or coding is not None:
        content_length = _framing(length, coding, modern, 502)
    else:
        content_length = None

    option = first.get(b"connection")
    if option is None:
        options = _NONE
        keep_alive = modern
    else:
        options = KEEP_ALIVE_ONLY.get(option) or connection_options(parsed, 502)
        keep_alive = b"close" not in options and (modern or b"keep-alive" in options)
    fields = [(line.name, line.value) for line in parsed]
    return ResponseHead(
        status, reason, version, fields, names, content_length, coding is not None, keep_alive, options, first
    )


def body_framing(response: ResponseHead, request_method: bytes) -> Framing:
    """How the body that follows ends (RFC 9112 6.3). NONE too for a Content-Length of 0."""
    status = response.status
    if request_method == b"HEAD" or status == 304 or status == 204 or status < 200:
        return Framing.NONE
    if response.chunked:
        return Framing.CHUNKED
    length = response.content_length
    if length is None:
        return Framing.CLOSE
    return Framing.LENGTH if length else Framing.NONE


def _lines(head: bytes, limits: HttpLimits, status: int) -> list[bytes]:
    """The head's lines without the empty one. Of the start line it is known here that it holds no CTL but HTAB; the
    other lines are looked at where they are taken apart."""
    if len(head) > limits.head_bytes:
        raise HttpError(431 if status == 400 else status, "head-bytes")
    lines = head.split(b"\r\n")
    if lines[0].translate(CONTROLS) != lines[0]:
        raise HttpError(status, "control-character")
    if len(lines) < 3 or lines.pop() or lines.pop():
        raise HttpError(status, "head-end")
    if len(lines) - 1 > limits.head_fields:
        raise HttpError(431 if status == 400 else status, "head-fields")
    return lines


def _fields(
    lines: list[bytes], single: frozenset[bytes], status: int
) -> tuple[list[FieldLine], list[bytes], dict[bytes, bytes]]:
    """The lines taken apart, names in lower case, and the first value of each; `lines` without the start line."""
    try:
        parsed = [_LINES.of(line) for line in lines]
    except ValueError as error:
        raise _bad_field(error, status) from None
    names = [line.lower for line in parsed]
    first = {line.lower: line.value for line in parsed}
    if len(first) != len(names):
        first = _firsts(parsed, single, status)
    return parsed, names, first


def _framing(length: bytes | None, coding: bytes | None, modern: bool, status: int) -> int | None:
    """The declared length, or None when the body is chunked; anything but exactly one of them is refused."""
    if coding is None:
        # bytes.isdigit knows ASCII digits only; 18 digits always fit 64 bits.
        if length is None or not length.isdigit() or len(length) > 18:
            raise HttpError(status, "content-length")
        return int(length)
    if length is not None:
        raise HttpError(status, "length-and-chunked")
    if not modern:
        raise HttpError(status, "chunked-in-http-1.0")
    if coding.lower() != _CHUNKED:
        if status != 400:
            # We send no TE: an internal server may use no other coding (RFC 9110 10.1.4).
            raise HttpError(status, "transfer-coding")
        transfer_codings(coding)
    return None


def _firsts(lines: list[FieldLine], single: frozenset[bytes], status: int) -> dict[bytes, bytes]:
    """The first value of each name, where a name stands more than once."""
    first: dict[bytes, bytes] = {}
    for line in lines:
        name = line.lower
        if name not in first:
            first[name] = line.value
        elif name == b"transfer-encoding":
            # One list over several lines (RFC 9110 5.3).
            first[name] += b"," + line.value
        elif name in single:
            raise HttpError(status, "repeated-field")
    return first


@lru_cache(maxsize=256)
def _status_line(line: bytes) -> tuple[bytes, int, bytes]:
    """Version, status and reason phrase; a missing phrase is taken with or without its space (RFC 9112 4)."""
    version, _, rest = line.partition(b" ")
    code, space, reason = rest[:3], rest[3:4], rest[4:]
    if version != _HTTP11 and version != _HTTP10:
        raise HttpError(502, "version")
    if len(code) != 3 or not code.isdigit() or not b"100" <= code <= b"599" or (space and space != b" "):
        raise HttpError(502, "status-line")
    return version, int(code), reason


def _request_line(line: bytes, most: int) -> tuple[bytes, bytes, bytes]:
    """Method, target and version; of the target only its length is looked at yet."""
    try:
        method, target, version = line.split(b" ")
    except ValueError:
        raise _bad_request_line(line) from None
    if version != _HTTP11 and version != _HTTP10:
        raise _bad_version(version)
    if len(target) > most:
        raise HttpError(414, "target-bytes")
    check_method(method, target)
    return method, target, version


def _bad_request_line(line: bytes) -> HttpError:
    """HTTP/0.9 and every other line that is not three words."""
    return HttpError(400, "http-0.9" if line.startswith(b"GET ") and line.count(b" ") == 1 else "request-line")


def _bad_version(version: bytes) -> HttpError:
    """505 for a version that exists or may exist, 400 for what is none: HTTP/0.x was never written."""
    major, minor = version[5:6], version[7:]
    if len(version) == 8 and version.startswith(b"HTTP/") and version[6:7] == b"." and (major + minor).isdigit():
        return HttpError(400 if major == b"0" else 505, "version")
    return HttpError(400, "version")


def _bad_field(error: ValueError, status: int) -> HttpError:
    """A line without a colon, or a name that the table of names does not take."""
    reason = str(error)
    return HttpError(status, reason if reason in ("field-name", "forged-name", "control-character") else "field-line")
