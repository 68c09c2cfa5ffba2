"""Method, request target and Host: their grammar, and that the target's authority is Host's (RFC 9112 3.2)."""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.marks import changing
from revproxy.errors import HttpError
from revproxy.protocols.http1.fields import TOKEN

_METHOD_BYTES: Final = 24
_METHODS: Final = frozenset(
    b"GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT".split()
)
_REFUSED_METHODS: Final = frozenset((b"CONNECT", b"TRACE"))
_VISIBLE: Final = bytes(b for b in range(0x21, 0x7F) if b != ord("#"))
"""What a target may hold: no fragment, no space, no CTL, ASCII only."""
_NOT_VISIBLE: Final = changing(frozenset(range(256)) - frozenset(_VISIBLE))
_NOT_VISIBLE_OR_HIGH: Final = changing(frozenset(range(0x80)) - frozenset(_VISIBLE))
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_ENCODED: Final = {bytes((byte,)): b"%%%02X" % byte for byte in range(0x80, 0x100)}

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
"""RFC 3986 3.2.2 reg-name, IPv4 or bracketed IPv6 (no zone, no IPvFuture), and a port; never userinfo. Without
percent-encoding, which the RFC allows: no client sends a host with it (the URL standard decodes hosts and refuses a
`%` that is left), and what decodes it would route by another name than the one that was looked at."""

_HOSTS_MOST: Final = 512
_hosts: dict[bytes, bytes] = {}


def check_method(method: bytes, target: bytes = b"/") -> None:
    """A token of 1-24 characters that is neither CONNECT nor TRACE in any case. Raises HttpError 400 or 501; 400 also
    for CONNECT to what is no host and port (RFC 9110 9.3.6)."""
    if method in _METHODS:
        return
    if not method or len(method) > _METHOD_BYTES or method.translate(None, TOKEN):
        raise HttpError(400, "method")
    if method.upper() in _REFUSED_METHODS:
        raise _refused(method, target)


def _refused(method: bytes, target: bytes) -> HttpError:
    """What is not served, or is no request at all."""
    match = _HOST.fullmatch(target)
    if method.upper() == b"CONNECT" and (match is None or match[1] is None or not 1 <= int(match[1]) <= 65535):
        return HttpError(400, "target-form")
    return HttpError(501, "method-refused")


def check_host(value: bytes) -> bytes:
    """Host in lower case, its port kept. Raises HttpError(400) for what is no `host[:port]`.

    Hosts that passed are remembered, at most 512 of them: a front end serves few names.
    """
    host = _hosts.get(value)
    if host is not None:
        return host
    match = _HOST.fullmatch(value)
    if match is None or (match[1] is not None and not 1 <= int(match[1]) <= 65535):
        raise HttpError(400, "host")
    host = value.lower()
    if len(_hosts) < _HOSTS_MOST:
        _hosts[value] = host
    return host


def check_target(method: bytes, target: bytes, host: bytes, most: int) -> bytes:
    """The target in origin-form, or `*` for OPTIONS; at most `most` bytes. Raises HttpError 400 or 414."""
    if target.translate(_NOT_VISIBLE) != target:
        return _with_high_bytes(target, host, most)
    if target.startswith(b"/"):
        return target
    if target == b"*" and method == b"OPTIONS":
        return target
    return _from_absolute(target, host)


def _with_high_bytes(target: bytes, host: bytes, most: int) -> bytes:
    """Bytes over 0x7f in path and query are percent-encoded, so that no reader may pick a charset for them.

    They are no part of a URI (RFC 3986 2), yet clients that take over a link as it stands send them. An authority
    with one is never Host's, which is ASCII: it is compared as it came.
    """
    if target.translate(_NOT_VISIBLE_OR_HIGH) != target:
        raise HttpError(400, "target")
    path = target if target.startswith(b"/") else _from_absolute(target, host)
    encoded = _HIGH.sub(lambda byte: _ENCODED[byte[0]], path)
    if len(encoded) > most:
        raise HttpError(414, "target-bytes")
    return encoded


def _from_absolute(target: bytes, host: bytes) -> bytes:
    """absolute-form to origin-form, when it names the same host as Host does, letter for letter but for case."""
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise HttpError(400, "target-form")
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if not authority or authority.lower() != host:
        raise HttpError(400, "target-authority")
    return path if path.startswith(b"/") else b"/" + path
