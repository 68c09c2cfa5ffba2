"""The straight line of one HTTP request, whichever version of HTTP carries it:

    read -> fill fields -> inspect -> refuse or go on -> forward -> inspect the answer -> record

Invariants: nothing goes inside before its verdict (a route with `stream` judges each piece before it goes on);
nothing of a client's framing goes inside at all; every exchange leaves exactly one access record.
Not here: bytes on the wire (`connection`, `protocols`), what a rule is (`detection`), who decides (`inspection`).
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

from revproxy.errors import ContentError, HttpError, LimitError, PeerError
from revproxy.model import Action, Phase, Protocol, Transaction
from revproxy.net import Spool
from revproxy.protocols.http1 import request_head
from revproxy.proxy.http.answering import give_back
from revproxy.proxy.http.fields import fill_head
from revproxy.proxy.http.forward import Outgoing, ask
from revproxy.proxy.http.headers import inside
from revproxy.proxy.http.intake import Reading, flow, store, take_in
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Body, Carrier
from revproxy.proxy.http.pages import page
from revproxy.proxy.http.record import Entry
from revproxy.proxy.http.refusal import Refused, from_client
from revproxy.proxy.http.routes import RouteWay
from revproxy.proxy.http.site import Site

_NOT_SERVED = frozenset({b"CONNECT", b"TRACE"})


async def exchange(carrier: Carrier, site: Site) -> None:
    """Serve one request. Raises nothing but cancellation: what goes wrong is answered and recorded."""
    transaction = Transaction(site.new_id(), Protocol.HTTP)
    entry = Entry(transaction, bytes_in=carrier.head_bytes, set_name=site.inspection.set_name)
    try:
        way = _route(carrier, site, entry)
        judge = Judge(site.inspection, way.policy, transaction)
        if carrier.body is None:
            await _pass_head(carrier, site, judge, transaction, Phase.BODY)
            await _forward(carrier, site, way, judge, entry, _bodiless(carrier, way))
        else:
            await _pass_head(carrier, site, judge, transaction, Phase.HEAD)
            await _with_body(carrier, carrier.body, site, way, judge, entry)
        entry.verdict = judge.verdict
    except Refused as refusal:
        await _refuse(carrier, site, refusal, entry)
    except PeerError:
        entry.reason = "client-gone"
    finally:
        site.recorder.write(entry, carrier.client, carrier.request)


def _route(carrier: Carrier, site: Site, entry: Entry) -> RouteWay:
    request = carrier.request
    way = site.router.find(request.host, request.target)
    if way is None:
        raise Refused(404, "no-route")
    if request.method in _NOT_SERVED or (way.methods and request.method not in way.methods):
        raise Refused(405, "method")
    entry.route, entry.upstream = way.name, way.pool.upstream.name
    return way


async def _pass_head(carrier: Carrier, site: Site, judge: Judge, transaction: Transaction, last: Phase) -> None:
    """Fill the fields of the head and judge them; with `last` BODY for a request that has none."""
    if not judge.inspects:
        return
    try:
        fill_head(transaction.fields, carrier.request, carrier.client.address, site.limits.content)
    except LimitError as error:
        raise from_client(error) from error
    await judge.judge(Phase.HEAD, last)


async def _with_body(carrier: Carrier, body: Body, site: Site, way: RouteWay, judge: Judge, entry: Entry) -> None:
    if body.length is not None and body.length > way.body_bytes:
        raise Refused(413, "body_bytes")
    async with AsyncExitStack() as stack:
        if way.stream:
            outgoing = _flowing(carrier, body, site, way, judge)
        else:
            spool = site.new_spool()
            stack.callback(spool.close)
            await _receive(carrier, body, spool, site, way, judge, entry)
            outgoing = _stored(carrier, way, spool)
        await _forward(carrier, site, way, judge, entry, outgoing)


async def _receive(
    carrier: Carrier, body: Body, spool: Spool, site: Site, way: RouteWay, judge: Judge, entry: Entry
) -> None:
    try:
        if judge.inspects:
            reading = Reading(carrier.request, site.limits.content, way.body_bytes)
            await take_in(body, spool, reading, judge, entry.transaction, way.body_bytes)
        else:
            await store(body, spool, way.body_bytes)
    except (ContentError, HttpError, LimitError, PeerError) as error:
        raise from_client(error) from error
    finally:
        entry.bytes_in += spool.size


def _bodiless(carrier: Carrier, way: RouteWay) -> Outgoing:
    """A declared length of nothing goes on: some servers answer a POST without any with 411."""
    return _outgoing(carrier, way, None if carrier.request.get(b"content-length") is None else 0)


def _outgoing(carrier: Carrier, way: RouteWay, length: int | None) -> Outgoing:
    request = carrier.request
    lines = inside(request, carrier.client, way.host, length)
    return Outgoing(request.method, request_head(request.method, request.target, lines))


def _stored(carrier: Carrier, way: RouteWay, spool: Spool) -> Outgoing:
    head = _outgoing(carrier, way, spool.size)
    data = spool.data()
    if data is not None:
        return Outgoing(head.method, head.head, data)
    return Outgoing(head.method, head.head, pieces=spool.pieces())


def _flowing(carrier: Carrier, body: Body, site: Site, way: RouteWay, judge: Judge) -> Outgoing:
    """A streaming route: the length is the client's own where it declared one, chunked by us otherwise."""
    request = carrier.request
    lines = inside(request, carrier.client, way.host, body.length)
    if body.length is None:
        lines += b"Transfer-Encoding: chunked\r\n"
    try:
        reading = Reading(request, site.limits.content, way.body_bytes)
    except ContentError as error:
        raise from_client(error) from error
    pieces = flow(body, reading, judge, way.body_bytes)
    head = request_head(request.method, request.target, lines)
    return Outgoing(request.method, head, pieces=pieces, chunked=body.length is None)


async def _forward(
    carrier: Carrier, site: Site, way: RouteWay, judge: Judge, entry: Entry, outgoing: Outgoing
) -> None:
    entry.asked = time.perf_counter()
    answer = await ask(way.pool, outgoing, site.limits.http, way.timeouts)
    entry.answered = time.perf_counter()
    try:
        await give_back(answer, carrier, entry.transaction, judge, way.origin, site.limits)
        entry.status = answer.head.status
    finally:
        answer.close()
        entry.bytes_out = carrier.reply.sent


async def _refuse(carrier: Carrier, site: Site, refusal: Refused, entry: Entry) -> None:
    """Answer with a page of our own, unless part of an answer is out already or a word is not to be said."""
    entry.verdict, entry.reason = refusal.verdict, "" if refusal.verdict.action is Action.DENY else refusal.reason
    entry.status = refusal.status
    if carrier.reply.sent or refusal.verdict.action is Action.DROP:
        carrier.reply.abort()
        return
    reason, fields, body = page(refusal.status, entry.transaction.id, site.limits.caps.retry_after)
    try:
        await carrier.reply.whole(refusal.status, reason, fields, body)
    except PeerError:
        entry.reason = "client-gone"
    entry.bytes_out = carrier.reply.sent
