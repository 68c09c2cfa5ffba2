"""The steps of an exchange on the way in that wait for nothing: its route, the fields of its head, a body that is
short and all there, and the request as it goes inside. Where judging has to be waited for, that is given back."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from revproxy.errors import ContentError, LimitError
from revproxy.model import Phase, Transaction
from revproxy.net import Budget
from revproxy.protocols.http1 import request_head
from revproxy.proxy.http.fields import fill_head, fill_no_body
from revproxy.proxy.http.headers import inside
from revproxy.proxy.http.intake import ASIDE_BYTES, conclude
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Body, Carrier
from revproxy.proxy.http.reading import Reading, flows
from revproxy.proxy.http.record import Entry
from revproxy.proxy.http.refusal import Refused, from_client
from revproxy.proxy.http.routes import RouteWay
from revproxy.proxy.http.site import Site
from revproxy.proxy.http.upstream import Outgoing

_NOT_SERVED: Final = frozenset({b"CONNECT", b"TRACE"})
_USUAL_METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_SHORT_BYTES: Final = 16 * 1024
_COPIES: Final = 3
"""How often a short body is counted: as it came, as it is held by its reader, and in a window."""


def route(carrier: Carrier, site: Site, entry: Entry) -> RouteWay:
    request = carrier.request
    way = site.router.find(request.host, request.target)
    if way is None:
        raise Refused(404, "no-route")
    if request.method in _NOT_SERVED or (way.methods and request.method not in way.methods):
        allow = b", ".join(sorted(way.methods or _USUAL_METHODS))
        raise Refused(405, "method", fields=((b"Allow", allow),))
    entry.route, entry.upstream = way.name, way.pool.upstream.name
    return way


def pass_head(
    carrier: Carrier, site: Site, way: RouteWay, judge: Judge, transaction: Transaction
) -> Awaitable[None] | None:
    """Fill the fields of the head and judge them; those of a request without a body are all there are.

    Where a body flows its head goes inside before the body is there, so that every rule looks at it now.
    """
    fields, wanted, request = transaction.fields, judge.wanted, carrier.request
    try:
        fill_head(fields, request, carrier.client, site.limits.content, wanted)
    except LimitError as error:
        raise from_client(error) from error
    last = Phase.BODY
    if carrier.body is None:
        fill_no_body(fields, request, wanted)
    elif not way.stream or not flows(request):
        last = Phase.HEAD
    return judge.start(Phase.HEAD, last, carrier.head_bytes)


def goes_on_at_once(carrier: Carrier, way: RouteWay, judge: Judge, transaction: Transaction) -> bool:
    """Whether a body is judged as it flows: of a type that lets itself, unless a rule says how to read it."""
    if not way.stream:
        return False
    return not judge.inspects or (flows(carrier.request) and not transaction.controls.body_processor)


class Short:
    """A short body that was all there, and its share of the memory of all bodies until `close`."""

    __slots__ = ("_held", "_memory", "data")

    def __init__(self, data: bytes, memory: Budget, held: int) -> None:
        self.data = data
        self._memory = memory
        self._held = held

    def judged(self) -> None:
        """Its reader and its window are gone: from here on only the body itself is held."""
        self._memory.give(self._held - len(self.data))
        self._held = len(self.data)

    def close(self) -> None:
        """It was sent, or never will be."""
        self._memory.give(self._held)
        self._held = 0


def is_short(length: int | None, way: RouteWay) -> bool:
    """Whether a body of that declared length can go the short way."""
    return length is not None and length <= _SHORT_BYTES and length <= way.body_bytes


def short_body(body: Body, way: RouteWay, memory: Budget) -> Short | None:
    """The body if it is short, all there already, and there is room for it; else nothing was read."""
    length = body.length
    if length is None or not is_short(length, way) or not memory.take(_COPIES * length):
        return None
    data = body.whole(length)
    if data is None:
        memory.give(_COPIES * length)
        return None
    return Short(data, memory, _COPIES * length)


def judge_short(
    carrier: Carrier, data: bytes, site: Site, way: RouteWay, judge: Judge, transaction: Transaction
) -> Awaitable[None] | None:
    """Take a body apart that is all there, and judge it. Raises Refused."""
    if not judge.inspects or not transaction.controls.body_access:
        fill_no_body(transaction.fields, carrier.request, judge.wanted)
        return judge.start(Phase.BODY, Phase.BODY)
    try:
        reading = reading_of(carrier, site, way, judge, transaction)
        reading.feed(data)
        if reading.pending or reading.size > ASIDE_BYTES:
            return conclude(reading, judge, finished=False)
        reading.finish()
    except (ContentError, LimitError) as error:
        raise from_client(error) from error
    if reading.pending:
        return conclude(reading, judge, finished=True)
    reading.fill(transaction.fields)
    return judge.start(Phase.BODY, Phase.BODY, reading.size)


def reading_of(
    carrier: Carrier, site: Site, way: RouteWay, judge: Judge, transaction: Transaction, flowing: bool = False
) -> Reading:
    limits, controls = site.limits.content, transaction.controls
    return Reading(carrier.request, limits, way.body_bytes, judge.wanted, controls, flowing)


def bodiless(carrier: Carrier, way: RouteWay) -> Outgoing:
    """A declared length of nothing goes on: some servers answer a POST without any with 411."""
    return _outgoing(carrier, way, None if carrier.request.get(b"content-length") is None else 0)


def with_body(carrier: Carrier, way: RouteWay, length: int, body: bytes = b"") -> Outgoing:
    """The request with a body of so many bytes; `body` where it is in memory."""
    return _outgoing(carrier, way, length, body)


def _outgoing(carrier: Carrier, way: RouteWay, length: int | None, body: bytes = b"") -> Outgoing:
    request = carrier.request
    lines = inside(request, carrier.client, way.host, length)
    return Outgoing(request.method, request_head(request.method, request.target, lines), body)
