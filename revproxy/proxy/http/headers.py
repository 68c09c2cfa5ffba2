"""Header fields on their way inside and back out.

Inside goes what the client said, less what belongs to one connection (RFC 9110 7.6.1), less what only we may say
(who asked, through which proxies), less what changes the meaning of a request behind our back. Out goes what the
internal server said, less the same and less what describes the server itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from revproxy.proxy.http.message import Client, Line, Request

HOP_BY_HOP = frozenset(
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
OURS = frozenset(
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
MEANING = frozenset(
    {
        b"proxy",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-http-method-override",
        b"x-http-method",
        b"x-method-override",
        b"x-middleware-subrequest",
    }
)
"""Fields by which a client makes an application see another request than the one that was inspected."""
NOT_INSIDE = HOP_BY_HOP | OURS | MEANING
NOT_OUTSIDE = HOP_BY_HOP | {
    b"content-length",
    b"server",
    b"x-powered-by",
    b"x-aspnet-version",
    b"x-aspnetmvc-version",
}

READABLE = (b"gzip", b"deflate", b"br")
"""Content codings that inspection can read; the inside is asked for no other."""
_REFUSED = frozenset({b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"})
FORWARDED_FOR = b"x-forwarded-for"
_ALIASES = frozenset(name.replace(b"-", b"_") for name in OURS | MEANING | HOP_BY_HOP if b"-" in name)
"""CGI-like servers take `X_Forwarded_For` for `X-Forwarded-For`."""
_DROPPED = NOT_INSIDE | _ALIASES


def inside(request: Request, client: Client, host: bytes, length: int | None) -> list[Line]:
    """The fields of the request that goes inside. `host` is empty for the client's own; `length` of the body."""
    dropped = _DROPPED.union(request.connection) if request.connection else _DROPPED
    fields: list[Line] = [(b"Host", host or request.host)]
    fields += [field for name, field in zip(request.names, request.fields, strict=True) if name not in dropped]
    encodings = request.get(b"accept-encoding")
    if encodings is not None:
        fields.append((b"Accept-Encoding", readable(encodings)))
    if length is not None:
        fields.append((b"Content-Length", b"%d" % length))
    return fields + said_by_us(request, client)


def said_by_us(request: Request, client: Client) -> list[Line]:
    """Who asks, and through whom (RFC 7239, RFC 9110 7.6.3). A trusted proxy's list goes on; any other is dropped."""
    peer = client.peer.encode("ascii")
    chain = peer
    if client.trusted:
        values = (
            field[1] for name, field in zip(request.names, request.fields, strict=True) if name == FORWARDED_FOR
        )
        chain = b", ".join((*values, peer))
    node = b'"[%b]"' % peer if b":" in peer else peer
    return [
        (b"X-Forwarded-For", chain),
        (b"X-Forwarded-Proto", client.scheme),
        (b"X-Forwarded-Host", request.host),
        (b"Forwarded", b'for=%b;proto=%b;host="%b"' % (node, client.scheme, request.host)),
        (b"Via", request.version[5:] + b" revproxy"),
    ]


@lru_cache(maxsize=1024)
def readable(encodings: bytes) -> bytes:
    """What of the client's Accept-Encoding we can read (RFC 9110 12.5.3); `identity` when nothing is left."""
    wanted = []
    for item in encodings.lower().split(b","):
        coding, _, weight = item.partition(b";")
        if coding.strip(b" \t") in READABLE and weight.strip(b" \t") not in _REFUSED:
            wanted.append(coding.strip(b" \t"))
    return b", ".join(wanted) or b"identity"


def outside(fields: Sequence[Line], names: Sequence[bytes], connection: frozenset[bytes]) -> list[Line]:
    """The fields of the answer that goes out, Content-Length aside: the driver frames."""
    dropped = NOT_OUTSIDE.union(connection) if connection else NOT_OUTSIDE
    return [field for name, field in zip(names, fields, strict=True) if name not in dropped]


def relocated(fields: list[Line], origin: bytes, request: Request, client: Client) -> list[Line]:
    """Location and its like must not name an internal address: they get the name that the client used."""
    ours = b"%b://%b" % (client.scheme, request.host)
    return [
        (name, ours + value[len(origin) :])
        if name.lower() in (b"location", b"content-location", b"refresh") and _under(value, origin)
        else (name, value)
        for name, value in fields
    ]


def _under(value: bytes, origin: bytes) -> bool:
    return value.startswith(origin) and value[len(origin) : len(origin) + 1] in (b"", b"/", b"?", b"#")
