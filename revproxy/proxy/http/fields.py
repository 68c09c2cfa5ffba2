"""Filling the field table from the heads of an HTTP request and its answer. What each field holds stands in
`detection.rules.fields`; nothing is decided here.

Only fields that somebody wants are filled: how, is worked out once for each set of wanted fields. Values that are
read in two ways (`args` and `args.plain`) are the same lists wherever both ways lead to the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from revproxy.codecs.base64 import decode_forgiving
from revproxy.codecs.percent import decode_percent
from revproxy.content.arguments import broken_escapes, joined, parse_query
from revproxy.content.body import declared
from revproxy.content.cookies import other_cookies, parse_cookies
from revproxy.model import ContentLimits, Fields
from revproxy.protocols.http1 import ResponseHead
from revproxy.proxy.http.message import Client, Request

Pairs = tuple[Sequence[bytes], Sequence[bytes]]
"""Keys and values."""

_OF_TIME: Final = ("time", "day", "epoch", "hour", "min", "mon", "sec", "wday", "year")
_TIME_FORMAT: Final = "%H:%M:%S %d {} %H %M %m %S %u %Y"
_ARGUMENTS: Final = frozenset({"args", "args.plain", "args.get", "args.size"})
_COOKIES: Final = frozenset({"cookies", "cookies.plain"})
WHOLE: Final = frozenset({"request", "request.length"})
PLANS: Final = 8
"""Sets of wanted fields that are remembered: one for each rule set in use, during a swap two."""


def host_name(host: bytes) -> bytes:
    """Host without its port."""
    return host[: host.find(b"]") + 1] if host.startswith(b"[") else host.partition(b":")[0]


def _user(request: Request) -> bytes:
    scheme, _, credentials = (request.get(b"authorization") or b"").partition(b" ")
    return decode_forgiving(credentials).partition(b":")[0] if scheme.lower() == b"basic" else b""


def _referer_site(request: Request) -> bytes:
    """Whether the page that a client came from is of the host that it asks: `same` or `other`; nothing where there is
    no Referer."""
    referer = request.get(b"referer")
    if not referer:
        return b""
    site = referer.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0].rpartition(b"@")[2]
    return b"same" if host_name(site.lower()) == host_name((request.get(b"host") or b"").lower()) else b"other"


def _basename(path: bytes) -> bytes:
    plain = decode_percent(path)
    at = max(plain.rfind(b"/"), plain.rfind(b"\\"))
    return plain[at + 1 :] if at >= 0 else b""


_NO_BODY: Final[dict[str, bytes]] = {
    "body.length": b"0",
    "body.failed": b"0",
    "inbound.incomplete": b"0",
    "files.size": b"0",
}
"""Fields of phase BODY where there is no body, as far as they have a value then."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be filled for one set of wanted fields."""

    arguments: tuple[str, ...]
    """Names under which the arguments of the query stand."""
    derived: bool
    size: bool
    cookies: bool
    bodiless: Mapping[str, Pairs]


@lru_cache(maxsize=PLANS)
def _plan(wanted: frozenset[str]) -> _Plan:
    return _Plan(
        tuple(name for name in ("args.get", "args.plain", "args") if name in wanted),
        "args" in wanted,
        "args.size" in wanted,
        not _COOKIES.isdisjoint(wanted),
        {name: ((), (value,)) for name, value in _NO_BODY.items() if name in wanted},
    )


def fill_head(
    fields: Fields, request: Request, client: Client, limits: ContentLimits, wanted: frozenset[str]
) -> None:
    """The wanted fields of phase HEAD. Raises LimitError for more arguments than allowed."""
    plan = _plan(wanted)
    path, _, query = request.target.partition(b"?")
    _fill_ends(fields, request, client, wanted)
    _fill_line(fields, request, path, query, wanted)
    if "auth.type" in wanted:
        fields.put("auth.type", ((request.get(b"authorization") or b"").partition(b" ")[0],))
    if "auth.user" in wanted:
        fields.put("auth.user", (_user(request),))
    if "body.type" in wanted:
        fields.put("body.type", (declared(request.get(b"content-type") or b"").word,))
    if "headers" in wanted:
        fields.put("headers", [line.value for line in request.lines], request.names)
    if "headers.written" in wanted:
        fields.put("headers.written", [line.name for line in request.lines], request.names)
    if "time" in wanted:
        fields.put("time", _time(time.time()), _TIME_KEYS)
    if query and (plan.arguments or plan.size):
        _fill_arguments(fields, query, limits, plan)
    elif plan.size:
        fields.put("args.size", (b"0",))
    if plan.cookies and request.get(b"cookie") is not None:
        _fill_cookies(fields, request, wanted)


def _fill_ends(fields: Fields, request: Request, client: Client, wanted: frozenset[str]) -> None:
    """Who asks whom, and from where."""
    if "client" in wanted:
        fields.put("client", (client.address.encode("ascii"),))
    if "client.port" in wanted:
        fields.put("client.port", (b"%d" % client.port,))
    if "host.name" in wanted:
        fields.put("host.name", (host_name(request.get(b"host") or b""),))
    if "host.address" in wanted:
        fields.put("host.address", (client.local[0].encode("ascii", "replace"),))
    if "host.port" in wanted:
        fields.put("host.port", (b"%d" % client.local[1],))
    if "referer.site" in wanted:
        fields.put("referer.site", (_referer_site(request),))


def _fill_line(fields: Fields, request: Request, path: bytes, query: bytes, wanted: frozenset[str]) -> None:
    """What stands in the request line, and what is made of it."""
    target = request.target
    if "method" in wanted:
        fields.put("method", (request.method,))
    if "version" in wanted:
        fields.put("version", (request.version,))
    if "line" in wanted:
        fields.put("line", (b" ".join([request.method, target, request.version]),))
    if "target" in wanted:
        fields.put("target", (target,))
    if "uri" in wanted:
        fields.put("uri", (target,))
    if "uri.decoded" in wanted:
        fields.put("uri.decoded", (decode_percent(target),))
    if "path" in wanted:
        fields.put("path", (path,))
    if "path.decoded" in wanted:
        fields.put("path.decoded", (decode_percent(path),))
    if "basename" in wanted:
        fields.put("basename", (path[path.rfind(b"/") + 1 :],))
    if "basename.decoded" in wanted:
        fields.put("basename.decoded", (_basename(path),))
    if "query" in wanted:
        fields.put("query", (query,))
    if "args.error" in wanted:
        fields.put("args.error", (b"1" if broken_escapes(query) else b"0",))


def fill_no_body(fields: Fields, request: Request, wanted: frozenset[str]) -> None:
    """The wanted fields of phase BODY of a request that has no body, or whose body is not looked at."""
    bodiless = _plan(wanted).bodiless
    if bodiless:
        fields.preset(bodiless)
    if not WHOLE.isdisjoint(wanted):
        fill_whole(fields, request, b"", 0, wanted)


def fill_whole(fields: Fields, request: Request, body: bytes, size: int, wanted: frozenset[str]) -> None:
    """The whole request as one text, if that is wanted; `body` is the end of one of `size` bytes."""
    lines = b"".join([line.written for line in request.lines])
    text = b"%b %b %b\r\n%b\r\n" % (request.method, request.target, request.version, lines)
    if "request" in wanted:
        fields.put("request", (text + body,))
    if "request.length" in wanted:
        fields.put("request.length", (b"%d" % (len(text) + size),))


def _fill_arguments(fields: Fields, query: bytes, limits: ContentLimits, plan: _Plan) -> None:
    names, values = parse_query(query, limits)
    for name in plan.arguments:
        fields.put(name, values, names)
    if plan.size:
        fields.put("args.size", (b"%d" % size_of(names, values),))
    more = joined(names, values) if plan.derived else ()
    if more:
        fields.put("args", [*values, *(value for _, value in more)], [*names, *(name for name, _ in more)])


def size_of(names: Sequence[bytes], values: Sequence[bytes]) -> int:
    """Bytes of names and values together."""
    return sum(map(len, names)) + sum(map(len, values))


def _fill_cookies(fields: Fields, request: Request, wanted: frozenset[str]) -> None:
    """Several Cookie fields are read as one list (RFC 9113 8.2.3)."""
    for line in request.lines:
        if line.lower != b"cookie":
            continue
        value = line.value
        plain = parse_cookies(value)
        if "cookies.plain" in wanted:
            fields.add("cookies.plain", plain[1], plain[0])
        if "cookies" in wanted:
            names, values = other_cookies(value) or plain
            fields.add("cookies", values, names)


_TIME_KEYS: Final = tuple(name.encode("ascii") for name in _OF_TIME)


@lru_cache(maxsize=2)
def _texts_of(second: int) -> tuple[bytes, ...]:
    text = time.strftime(_TIME_FORMAT.format(second), time.localtime(second))
    return tuple(text.encode("ascii").split(b" "))


def _time(now: float) -> tuple[bytes, ...]:
    """The texts of a second are made once."""
    return _texts_of(int(now))


def fill_reply_head(fields: Fields, head: ResponseHead, wanted: frozenset[str]) -> None:
    """The wanted fields of phase REPLY_HEAD."""
    if "status" in wanted:
        fields.put("status", (b"%d" % head.status,))
    if "reply.headers" in wanted:
        fields.put("reply.headers", [value for _, value in head.fields], head.names)
    if "reply.headers.written" in wanted:
        fields.put("reply.headers.written", [name for name, _ in head.fields], head.names)
    if "reply.line" in wanted:
        fields.put("reply.line", (b"%b %d %b" % (head.version, head.status, head.reason),))
    if "reply.version" in wanted:
        fields.put("reply.version", (head.version,))
    if "reply.type" in wanted:
        fields.put("reply.type", ((head.get(b"content-type") or b"").partition(b";")[0],))


def fill_reply_body(fields: Fields, plain: bytes, complete: bool, wanted: frozenset[str]) -> None:
    """The wanted fields of phase REPLY_BODY: what is held of the body, and whether that is all."""
    for name, value in (
        ("reply.body", plain),
        ("reply.length", b"%d" % len(plain)),
        ("outbound.incomplete", b"0" if complete else b"1"),
    ):
        if name in wanted:
            fields.put(name, (value,))
