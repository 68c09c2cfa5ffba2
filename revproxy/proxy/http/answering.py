"""Giving the internal server's answer back: its head inspected, its text held and inspected up to a limit.

An answer of an inspected type is held until `response_inspect_bytes` of it were judged, then streams on. Event
streams and types that carry no text for inspection go on at once. What a held answer was compressed with is undone
for the eyes of inspection only: the client gets the bytes as they came.
"""

from __future__ import annotations

from contextlib import suppress

from revproxy.codecs.compression import Inflater
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits, Limits, Phase, Transaction
from revproxy.protocols.http1 import ResponseHead
from revproxy.proxy.http.fields import fill_reply_body, fill_reply_head
from revproxy.proxy.http.forward import Answer
from revproxy.proxy.http.headers import outside, relocated
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Carrier, Line, Reply
from revproxy.proxy.http.reading import codings

_TEXTS = frozenset(
    {
        b"application/json",
        b"application/xml",
        b"application/xhtml+xml",
        b"application/problem+json",
        b"text/html",
        b"text/plain",
        b"text/xml",
        b"",
    }
)
"""Types whose bodies are inspected: where error messages, listings and the output of a shell show up."""
_AT_ONCE_BYTES = 64 * 1024
"""An uninspected answer of a known length up to this is collected, to go out in one write."""
_SLICE_BYTES = 64
"""An answer that is broken, or too long decoded, is seen up to the slice in which that showed."""
_BODY_FIELDS = frozenset({"reply.body", "reply.length", "outbound.incomplete"})
_LOCATIONS = frozenset({b"location", b"content-location", b"refresh"})


async def give_back(
    answer: Answer, carrier: Carrier, transaction: Transaction, judge: Judge, origin: bytes, limits: Limits
) -> None:
    """Judge an answer and send it on; its connection goes back to the pool.

    Raises Refused while nothing was sent, PeerError when the client is gone; aborts the reply after that.
    """
    try:
        head = answer.head
        fields = outside(head.fields, head.names, head.connection)
        if not _LOCATIONS.isdisjoint(head.first):
            fields = relocated(fields, origin, carrier.request, carrier.client)
        held, complete = answer.whole(), True
        if judge.inspects:
            held, complete = await _judged(answer, transaction, judge, limits, held)
        elif held is None:
            held, complete = await _hold(answer, False, _AT_ONCE_BYTES)
        if not complete:
            await _stream(answer, carrier.reply, fields, held)
            return
        await carrier.reply.whole(head.status, head.reason, fields, held)
    finally:
        answer.close()


async def _judged(
    answer: Answer, transaction: Transaction, judge: Judge, limits: Limits, held: bytes | None
) -> tuple[bytes, bool]:
    """(what is held, whether that is all of the body), judged; the head alone first where the body takes
    time, or where it may turn out that nobody is to look at the body."""
    fields, wanted, complete, first = transaction.fields, judge.wanted, True, Phase.REPLY_HEAD
    fill_reply_head(fields, answer.head, wanted)
    text = is_text(answer.head) and transaction.controls.reply_body_access and not _BODY_FIELDS.isdisjoint(wanted)
    if text and (held is None or judge.may_decline):
        await judge.judge(Phase.REPLY_HEAD, Phase.REPLY_HEAD)
        first, text = Phase.REPLY_BODY, transaction.controls.reply_body_access
    if not text:
        await judge.judge(first, Phase.REPLY_BODY)
    if held is None:
        held, complete = await _hold(answer, text, limits.http.response_inspect_bytes if text else _AT_ONCE_BYTES)
    if text:
        plain = _plain(answer, held, limits.content) if held else held
        fill_reply_body(fields, plain, complete, wanted)
        await judge.judge(first, Phase.REPLY_BODY, len(plain))
    return held, complete


def _media_type(head: ResponseHead) -> bytes:
    value = head.get(b"content-type")
    return value.partition(b";")[0].strip(b" \t").lower() if value is not None else b""


def is_text(head: ResponseHead) -> bool:
    """Whether the body of an answer is of a type that is inspected."""
    return _media_type(head) in _TEXTS


async def _hold(answer: Answer, text: bool, most: int) -> tuple[bytes, bool]:
    """(what is held, whether that is all of the body): of `text` up to `most`, of other bodies short ones only."""
    length = answer.length
    if not text and (length is None or length > most):
        return b"", False
    piece = await answer.read()
    if len(piece) == length:
        return piece, True
    held, size = [piece], len(piece)
    while piece and size <= most:
        piece = await answer.read()
        held.append(piece)
        size += len(piece)
    return b"".join(held), not piece or size == length


def _plain(answer: Answer, held: bytes, limits: ContentLimits) -> bytes:
    """What a browser would see, as far as it can be decoded; the bytes as they are where it cannot at all."""
    coding = codings(answer.head).lower()
    if coding in (b"", b"identity"):
        return held
    name, most = coding.decode("latin-1"), limits.argument_bytes
    with suppress(ContentError, LimitError):
        return Inflater(name, most, limits.inflate_ratio).feed(held) or held
    plain = []
    with suppress(ContentError, LimitError):
        inflater = Inflater(name, most, limits.inflate_ratio)
        for at in range(0, len(held), _SLICE_BYTES):
            plain.append(inflater.feed(held[at : at + _SLICE_BYTES]))
    return b"".join(plain) or held


async def _stream(answer: Answer, reply: Reply, fields: list[Line], held: bytes) -> None:
    await reply.begin(answer.head.status, answer.head.reason, fields, answer.length)
    try:
        if held:
            await reply.piece(held)
        while piece := await answer.read():
            await reply.piece(piece)
    except BaseException:
        reply.abort()
        raise
    await reply.end()
