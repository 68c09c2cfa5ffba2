"""Giving the internal server's answer back: its head inspected, its text held and inspected up to a limit.

An answer of an inspected type is held until `response_inspect_bytes` of it were judged, then streams on. Event
streams and types that carry no text for inspection go on at once. What a held answer was compressed with is undone
for the eyes of inspection only: the client gets the bytes as they came.
"""

from __future__ import annotations

from revproxy.model import Limits, Phase, Transaction
from revproxy.proxy.http.forward import read
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Carrier, Line, Reply
from revproxy.proxy.http.outward import begin_judging, judge_body, judge_whole, outgoing_fields
from revproxy.proxy.http.upstream import Answer
from revproxy.proxy.http.waiting import settled

_AT_ONCE_BYTES = 64 * 1024
"""An uninspected answer of a known length up to this is collected, to go out in one write."""


async def give_back(
    answer: Answer, carrier: Carrier, transaction: Transaction, judge: Judge, origin: bytes, limits: Limits
) -> None:
    """Judge an answer and send it on; its connection goes back to the pool.

    Raises Refused while nothing was sent, PeerError when the client is gone; aborts the reply after that.
    """
    try:
        head = answer.head
        fields = outgoing_fields(head, origin, carrier.request, carrier.client)
        held, complete = answer.whole(), True
        if not judge.inspects:
            if held is None:
                held, complete = await _hold(answer, False, _AT_ONCE_BYTES)
        elif held is None or judge.may_decline:
            held, complete = await _judged(answer, transaction, judge, limits, held)
        else:
            waiting = judge_whole(held, head, transaction, judge, limits.content)
            if waiting is not None:
                await waiting
        if not complete:
            await _stream(answer, carrier.reply, fields, held)
            return
        waiting = carrier.reply.whole(head.status, head.reason, fields, held)
        if waiting is not None:
            await waiting
    finally:
        answer.close()


async def _judged(
    answer: Answer, transaction: Transaction, judge: Judge, limits: Limits, held: bytes | None
) -> tuple[bytes, bool]:
    """(what is held, whether that is all of the body), judged; the head alone first where the body takes
    time, or where it may turn out that nobody is to look at the body."""
    complete, first = True, Phase.REPLY_HEAD
    text = begin_judging(answer.head, transaction, judge)
    if text and (held is None or judge.may_decline):
        await judge.judge(first, first)
        first, text = Phase.REPLY_BODY, transaction.controls.reply_body_access
    if not text:
        await judge.judge(first, Phase.REPLY_BODY)
    if held is None:
        held, complete = await _hold(answer, text, limits.http.response_inspect_bytes if text else _AT_ONCE_BYTES)
    if text:
        waiting = judge_body(first, held, complete, answer.head, judge, limits.content)
        if waiting is not None:
            await waiting
    return held, complete


async def _hold(answer: Answer, text: bool, most: int) -> tuple[bytes, bool]:
    """(what is held, whether that is all of the body): of `text` up to `most`, of other bodies short ones only."""
    length = answer.length
    if not text and (length is None or length > most):
        return b"", False
    piece = await read(answer)
    if len(piece) == length:
        return piece, True
    held, size = [piece], len(piece)
    while piece and size <= most:
        piece = await read(answer)
        held.append(piece)
        size += len(piece)
    return b"".join(held), not piece or size == length


async def _stream(answer: Answer, reply: Reply, fields: list[Line], held: bytes) -> None:
    await settled(reply.begin(answer.head.status, answer.head.reason, fields, answer.length))
    try:
        if held:
            await settled(reply.piece(held))
        while piece := await read(answer):
            await settled(reply.piece(piece))
    except BaseException:
        reply.abort()
        raise
    await settled(reply.end())
