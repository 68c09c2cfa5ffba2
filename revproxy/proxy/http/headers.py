"""Header fields on their way inside and back out.

Inside goes what the client said, less what belongs to one connection (RFC 9110 7.6.1), less what only we may say
(who asked, through which proxies), less what changes the meaning of a request behind our back. Out goes what the
internal server said, less the same and less what describes the server itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from revproxy.protocols.http1 import FieldWriter
from revproxy.proxy.http.message import Client, Line, Request

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
OURS: Final = frozenset(
    {
        b"host",
        b"content-length",
        b"expect",
        b"accept-encoding",
        b"forwarded",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-server",
        b"x-forwarded-prefix",
        b"x-real-ip",
        b"x-client-ip",
        b"true-client-ip",
    }
)
"""Written by us, or not at all."""
IDENTITY: Final = frozenset(
    b"client-ip cf-connecting-ip cf-connecting-ipv6 fastly-client-ip front-end-https remote-addr remote-user "
    b"ssl-client-cert ssl-client-verify true-client-ip x-arr-ssl x-authenticated-user x-client-cert x-client-ip "
    b"x-cluster-client-ip x-forwarded x-host x-http-host-override x-original-forwarded-for x-original-host "
    b"x-originating-ip x-proxyuser-ip x-real-ip x-remote-addr x-remote-ip x-remote-user x-scheme x-ssl-client-cert "
    b"x-ssl-client-verify x-url-scheme".split()
)
"""Fields by which front ends tell an application who asks: nobody outside may say that for us."""
MEANING: Final = frozenset(
    b"proxy x-original-url x-rewrite-url x-http-method-override x-http-method x-method-override x-accel-redirect "
    b"x-accel-buffering x-sendfile x-middleware-subrequest".split()
)
"""Fields by which a client makes an application see another request than the one that was inspected."""
NOT_INSIDE: Final = HOP_BY_HOP | OURS | IDENTITY | MEANING
NOT_OUTSIDE: Final = HOP_BY_HOP | {
    b"content-length",
    b"server",
    b"via",
    b"x-powered-by",
    b"x-aspnet-version",
    b"x-aspnetmvc-version",
}

READABLE: Final = (b"gzip", b"deflate", b"br")
"""Content codings that inspection can read; the inside is asked for no other."""
_REFUSED: Final = frozenset({b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"})
_ORDINARY: Final = frozenset({b"keep-alive", b"close"})
FORWARDED_FOR: Final = b"x-forwarded-for"
_ALIASES: Final = frozenset(name.replace(b"-", b"_") for name in NOT_INSIDE if b"-" in name)
"""CGI-like servers take `X_Forwarded_For` for `X-Forwarded-For`."""
_DROPPED: Final = NOT_INSIDE | _ALIASES
_X: Final = 0x78
_DROPPED_PREFIXES: Final = (b"x-forwarded-", b"x_forwarded_")


def inside(request: Request, client: Client, host: bytes, length: int | None) -> bytes:
    """The field lines of the request that goes inside, over HTTP/1.1.

    `host` is empty for the client's own; `length` is the body's, None for a request without one or of unknown length.
    """
    named = request.connection
    lines = [line.written for line in request.lines if not _stays(line.lower) and not (named and line.lower in named)]
    encodings = request.get(b"accept-encoding")
    if encodings is not None:
        lines.append(readable(encodings))
    if length is not None:
        lines.append(b"Content-Length: %d\r\n" % length)
    before = _forwarded_for(request) if client.trusted else b""
    said = _said_by_us(client.peer, client.scheme, host or request.host, request.host, request.version, before)
    return said[0] + b"".join(lines) + said[1]


def _stays(name: bytes) -> bool:
    """Whether a field of that lower-case name does not go inside."""
    return name in _DROPPED or (name[0] == _X and name.startswith(_DROPPED_PREFIXES))


def _forwarded_for(request: Request) -> bytes:
    """What a trusted proxy said about who asks."""
    return b", ".join([line.value for line in request.lines if line.lower == FORWARDED_FOR])


@lru_cache(maxsize=4096)
def _said_by_us(
    peer: str, scheme: bytes, host: bytes, asked: bytes, version: bytes, before: bytes
) -> tuple[bytes, bytes]:
    """(Host, the rest): who asks, and through whom (RFC 7239, RFC 9110 7.6.3).

    `asked` is the Host of the client; `before` a trusted proxy's list, which goes on; any other was dropped.
    """
    address = peer.encode("ascii")
    node = b'"[%b]"' % address if b":" in address else address
    lines = FieldWriter()
    fields = (
        (b"X-Forwarded-For", before + b", " + address if before else address),
        (b"X-Forwarded-Proto", scheme),
        (b"X-Forwarded-Host", asked),
        (b"Forwarded", b'for=%b;proto=%b;host="%b"' % (node, scheme, asked)),
        (b"Via", version[5:] + b" revproxy"),
    )
    return lines[b"Host", host], b"".join([lines[field] for field in fields])


@lru_cache(maxsize=1024)
def readable(encodings: bytes) -> bytes:
    """The line that asks for what we can read of the client's Accept-Encoding (RFC 9110 12.5.3); else `identity`."""
    wanted = []
    for item in encodings.lower().split(b","):
        coding, _, weight = item.partition(b";")
        if coding.strip(b" \t") in READABLE and weight.strip(b" \t") not in _REFUSED:
            wanted.append(coding.strip(b" \t"))
    return b"Accept-Encoding: %b\r\n" % (b", ".join(wanted) or b"identity")


def outside(fields: list[Line], names: Sequence[bytes], connection: frozenset[bytes]) -> list[Line]:
    """The fields of the answer that may go out; drivers leave out those of NOT_OUTSIDE themselves, line by line."""
    if connection <= _ORDINARY:
        return fields
    return [field for name, field in zip(names, fields, strict=True) if name not in connection]


def relocated(fields: list[Line], origin: bytes, request: Request, client: Client) -> list[Line]:
    """Location and its like must not name an internal address: they get the name that the client used."""
    ours = b"%b://%b" % (client.scheme, request.host)
    return [
        (name, _moved(value, origin, ours, anywhere=name.lower() == b"refresh"))
        if name.lower() in _LOCATIONS
        else (name, value)
        for name, value in fields
    ]


_LOCATIONS: Final = frozenset({b"location", b"content-location", b"refresh"})
_DEFAULT_PORTS: Final = ((b"http://", b":80"), (b"https://", b":443"))
_ENDS: Final = (b"", b"/", b"?", b"#", b"'", b'"')


def _moved(value: bytes, origin: bytes, ours: bytes, anywhere: bool) -> bytes:
    """`value` with the origin replaced; Refresh has seconds and `url=` before it."""
    for known in _spellings(origin):
        at = value.find(known)
        if at >= 0 and (anywhere or not at) and value[at + len(known) :][:1] in _ENDS:
            return value[:at] + ours + value[at + len(known) :]
    return value


def _spellings(origin: bytes) -> list[bytes]:
    """An origin with a default port goes without it too (RFC 9110 4.2.3)."""
    short = [
        origin[: -len(port)] for scheme, port in _DEFAULT_PORTS if origin.startswith(scheme) and origin.endswith(port)
    ]
    return [origin, *short]
