"""The straight line of one HTTP request, whichever version of HTTP carries it:

    read -> fill fields -> inspect -> refuse or go on -> forward -> inspect the answer -> record

Invariants: nothing goes inside before its verdict (a route with `stream` judges each piece before it goes on);
nothing of a client's framing goes inside at all; every exchange leaves exactly one access record.
Not here: bytes on the wire (`connection`, `protocols`), what a rule is (`detection`), who decides (`inspection`).
"""

from __future__ import annotations

import time

from revproxy.errors import ContentError, HttpError, LimitError, PeerError
from revproxy.inspection import Tape
from revproxy.model import Action, Phase, Protocol, Transaction
from revproxy.net import Spool
from revproxy.protocols.http1 import request_head
from revproxy.proxy.http.answering import give_back
from revproxy.proxy.http.fields import fill_no_body
from revproxy.proxy.http.forward import ask
from revproxy.proxy.http.headers import inside
from revproxy.proxy.http.holding import Holding
from revproxy.proxy.http.intake import arrive, flow, flow_unseen, store, take_in
from revproxy.proxy.http.inward import (
    Short,
    bodiless,
    goes_on_at_once,
    is_short,
    judge_short,
    pass_head,
    reading_of,
    route,
    short_body,
    with_body,
)
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Body, Carrier
from revproxy.proxy.http.pages import page
from revproxy.proxy.http.record import Entry, about
from revproxy.proxy.http.refusal import Refused, from_client
from revproxy.proxy.http.routes import RouteWay
from revproxy.proxy.http.site import Site
from revproxy.proxy.http.upstream import Outgoing
from revproxy.proxy.http.waiting import settled


async def exchange(carrier: Carrier, site: Site) -> None:
    """Serve one request. Raises nothing but cancellation: what goes wrong is answered and recorded."""
    transaction = Transaction(site.new_id(), Protocol.HTTP)
    # Read once: other rules may be swapped in meanwhile.
    inspection, shadow = site.inspection, site.shadow
    entry = Entry(transaction, bytes_in=carrier.head_bytes, set_name=inspection.set_name)
    held: Short | Spool | None = None
    judge: Judge | None = None
    tape: Tape | None = None
    try:
        way = route(carrier, site, entry)
        if way.exclusions is not None:
            transaction.excluded = way.exclusions.of(carrier.request.host, carrier.request.target)
        if shadow is not None:
            tape = shadow.begin(transaction, way.policy, way.name, carrier.request.host, carrier.request.target)
        judge = Judge(inspection, way.policy, transaction, tape)
        if judge.inspects:
            waiting = pass_head(carrier, site, way, judge, transaction)
            if waiting is not None:
                await waiting
        body = carrier.body
        if body is None:
            outgoing = bodiless(carrier, way)
        elif goes_on_at_once(carrier, way, judge, transaction):
            outgoing = _flowing(carrier, body, site, way, judge, transaction)
        elif (held := short_body(body, way, site.memory) or await _arrived(body, way, site, entry)) is not None:
            entry.bytes_in += len(held.data)
            waiting = judge_short(carrier, held.data, site, way, judge, transaction)
            if waiting is not None:
                await waiting
            held.judged()
            outgoing = with_body(carrier, way, len(held.data), held.data)
        else:
            held = site.new_spool()
            await _receive(carrier, body, held, site, way, judge, entry)
            outgoing = _stored(carrier, way, held)
        entry.asked = time.perf_counter()
        answer = await ask(way.pool, outgoing, site.limits.http, way.timeouts)
        entry.answered = time.perf_counter()
        await give_back(answer, carrier, transaction, judge, way.origin, site.limits)
        entry.status, entry.verdict = answer.head.status, judge.verdict
    except Refused as refusal:
        await _refuse(carrier, site, refusal, entry)
    except PeerError:
        entry.reason = "client-gone"
    finally:
        if held is not None:
            held.close()
        try:
            if judge is not None:
                waiting = judge.log()
                if waiting is not None:
                    await waiting
                entry.inspecting = judge.seconds
        finally:
            entry.bytes_out = carrier.reply.sent
            site.recorder.write(entry, carrier.client, carrier.request)
            if tape is not None and judge is not None:
                tape.end(judge.verdict, about(entry, carrier.client, carrier.request))


async def _arrived(body: Body, way: RouteWay, site: Site, entry: Entry) -> Short | None:
    """A short body that was not all there, when it is: until then it waits where it came, as what is read ahead does.
    None for all that goes the long way. Raises Refused."""
    if not is_short(body.length, way):
        return None
    try:
        await arrive(body)
    except Refused:
        entry.bytes_in += body.came
        raise
    return short_body(body, way, site.memory)


async def _receive(
    carrier: Carrier, body: Body, spool: Spool, site: Site, way: RouteWay, judge: Judge, entry: Entry
) -> None:
    """Read a body to its end, judging it. Raises Refused."""
    if body.length is not None and body.length > way.body_bytes:
        raise Refused(413, "body_bytes")
    transaction = entry.transaction
    holding: Holding | None = None
    try:
        if judge.inspects and transaction.controls.body_access:
            reading = reading_of(carrier, site, way, judge, transaction)
            holding = Holding(body, reading.kind, reading.raw is not None, site.memory, site.limits.content)
            await take_in(holding, spool, reading, judge, transaction, way.body_bytes)
        else:
            await store(body, spool, way.body_bytes)
            fill_no_body(transaction.fields, carrier.request, judge.wanted)
            await judge.judge(Phase.BODY, Phase.BODY)
    except (ContentError, HttpError, LimitError, PeerError) as error:
        raise from_client(error) from error
    finally:
        if holding is not None:
            holding.release()
        entry.bytes_in += spool.size


def _stored(carrier: Carrier, way: RouteWay, spool: Spool) -> Outgoing:
    data = spool.data()
    outgoing = with_body(carrier, way, spool.size, data or b"")
    if data is None:
        outgoing.pieces = spool.pieces()
    return outgoing


def _flowing(
    carrier: Carrier, body: Body, site: Site, way: RouteWay, judge: Judge, transaction: Transaction
) -> Outgoing:
    """A streaming route: the length is the client's own where it declared one, chunked by us otherwise."""
    if body.length is not None and body.length > way.body_bytes:
        raise Refused(413, "body_bytes")
    request = carrier.request
    lines = inside(request, carrier.client, way.host, body.length)
    if body.length is None:
        lines += b"Transfer-Encoding: chunked\r\n"
    try:
        if judge.inspects and transaction.controls.body_access:
            reading = reading_of(carrier, site, way, judge, transaction, flowing=True)
            pieces = flow(body, reading, judge, transaction, way.body_bytes)
        else:
            pieces = flow_unseen(body, way.body_bytes)
    except ContentError as error:
        raise from_client(error) from error
    head = request_head(request.method, request.target, lines)
    return Outgoing(request.method, head, pieces=pieces, chunked=body.length is None)


async def _refuse(carrier: Carrier, site: Site, refusal: Refused, entry: Entry) -> None:
    """Answer with a page of our own, unless part of an answer is out already or a word is not to be said."""
    entry.verdict, entry.reason = refusal.verdict, "" if refusal.verdict.action is Action.DENY else refusal.reason
    entry.status = refusal.status
    if carrier.reply.sent or refusal.verdict.action is Action.DROP:
        carrier.reply.abort()
        return
    reason, fields, body = page(refusal.status, entry.transaction.id, site.limits.caps.retry_after)
    try:
        await settled(carrier.reply.whole(refusal.status, reason, [*fields, *refusal.fields], body))
    except PeerError:
        entry.reason = "client-gone"
