"""Inspecting a request that is not on a wire: a file or a line of recorded traffic.

The same gate, the same fields and the same verdicts as for a live request. A file is not a wire: its body is all
that follows the head, whatever Content-Length says, and nobody waits for an answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from revproxy.detection.rules import Exclusion
from revproxy.errors import ContentError, HttpError, LimitError
from revproxy.inspection import Inspection, Policy
from revproxy.model import Limits, Phase, Protocol, Transaction
from revproxy.protocols.http1 import ChunkedReader, CodedReader, RequestHead, parse_request, parse_response
from revproxy.proxy.http.coded import reader_of
from revproxy.proxy.http.fields import fill_head, fill_no_body, fill_reply_body, fill_reply_head
from revproxy.proxy.http.intake import take_in
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Client
from revproxy.proxy.http.outward import is_text
from revproxy.proxy.http.reading import Reading
from revproxy.proxy.http.refusal import Refused, from_client
from revproxy.proxy.http.waiting import settled
from revproxy.proxy.outcome import Outcome, outcome_of

CLIENT = Client("192.0.2.1", "192.0.2.1", b"http", "offline")
"""The client where none is known (RFC 5737)."""


class _Held:
    """A body that is all there."""

    def __init__(self, data: bytes) -> None:
        self.length = len(data)
        self._data = data

    async def read(self) -> bytes:
        data, self._data = self._data, b""
        return data


class _Nowhere:
    """Keeps nothing."""

    async def write(self, data: bytes) -> None:
        return None


Excluding = Callable[[bytes, bytes], tuple[Exclusion, ...]]
"""What a request leaves out, by host and target."""


async def inspect_request(
    raw: bytes,
    inspection: Inspection,
    policy: Policy,
    limits: Limits,
    answer: bytes = b"",
    excluding: Excluding | None = None,
) -> Outcome:
    """The outcome of one raw request, and of the raw `answer` to it if there is one. Never raises for what they
    contain."""
    began = time.perf_counter()
    transaction = Transaction("offline", Protocol.HTTP)
    judge = Judge(inspection, policy, transaction)
    refused: Refused | None = None
    try:
        await _inspect(raw, answer, judge, transaction, limits, excluding)
    except Refused as error:
        refused = error
    except (HttpError, LimitError, ContentError) as error:
        refused = from_client(error)
    verdict = judge.verdict if refused is None else refused.verdict
    status = None if refused is None else refused.status
    return outcome_of(transaction, verdict, status, time.perf_counter() - began)


async def _inspect(
    raw: bytes,
    answer: bytes,
    judge: Judge,
    transaction: Transaction,
    limits: Limits,
    excluding: Excluding | None,
) -> None:
    end = raw.find(b"\r\n\r\n") + 4
    head = parse_request(raw[:end] if end > 3 else raw, limits.http)
    if excluding is not None:
        transaction.excluded = excluding(head.host, head.target)
    try:
        await judge_request(head, end, raw[end:], judge, transaction, limits)
        if answer:
            await _judge_answer(answer, judge, transaction, limits)
    finally:
        await settled(judge.log())


async def judge_request(
    head: RequestHead, size: int, data: bytes, judge: Judge, transaction: Transaction, limits: Limits
) -> None:
    """Fill the fields of a head of `size` bytes, and of all that follows it, and judge them: phases HEAD and BODY.

    Raises Refused, HttpError, LimitError and ContentError.
    """
    fields, wanted = transaction.fields, judge.wanted
    fill_head(fields, head, CLIENT, limits.content, wanted)
    body = _body(head, data, limits)
    if not body:
        fill_no_body(fields, head, wanted)
        await judge.judge(Phase.HEAD, Phase.BODY, size)
        return
    await judge.judge(Phase.HEAD, Phase.HEAD, size)
    if not transaction.controls.body_access:
        fill_no_body(fields, head, wanted)
        await judge.judge(Phase.BODY, Phase.BODY)
        return
    reading = Reading(head, limits.content, limits.http.body_bytes, wanted, transaction.controls)
    await take_in(_Held(body), _Nowhere(), reading, judge, transaction, limits.http.body_bytes)


async def _judge_answer(answer: bytes, judge: Judge, transaction: Transaction, limits: Limits) -> None:
    """An answer whose body is all that follows its head."""
    end = answer.find(b"\r\n\r\n") + 4
    head = parse_response(answer[:end], limits.http)
    fill_reply_head(transaction.fields, head, judge.wanted)
    first = Phase.REPLY_HEAD
    if judge.may_decline:
        await judge.judge(first, first)
        first = Phase.REPLY_BODY
    if is_text(head) and transaction.controls.reply_body_access:
        held = answer[end : end + limits.http.response_inspect_bytes]
        fill_reply_body(transaction.fields, held, len(held) == len(answer) - end, judge.wanted)
    await judge.judge(first, Phase.REPLY_BODY, len(answer))


def _body(head: RequestHead, data: bytes, limits: Limits) -> bytes:
    """All that follows the head; where it is chunked, its chunks and what was done before them undone."""
    if not head.chunked:
        return data
    chunks = ChunkedReader(limits.http)
    payload = b"".join(chunks.feed(data))
    if not chunks.done:
        raise HttpError(400, "chunks-cut-off")
    reader = reader_of(head, limits.content.inflate_ratio)
    return payload if reader is None else _decoded(reader, payload, limits.http.body_bytes)


def _decoded(reader: CodedReader, payload: bytes, most: int) -> bytes:
    whole = bytearray()
    for piece in reader.pieces(payload):
        whole += piece
        if len(whole) > most:
            raise LimitError("body_bytes", most)
    reader.finish()
    return bytes(whole)
