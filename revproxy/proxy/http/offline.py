"""Inspecting a request that is not on a wire: a file or a line of recorded traffic.

The same gate, the same fields and the same verdicts as for a live request. A file is not a wire: its body is all
that follows the head, whatever Content-Length says, and nobody waits for an answer.
"""

from __future__ import annotations

import time

from revproxy.errors import ContentError, HttpError, LimitError
from revproxy.inspection import Inspection, Policy
from revproxy.model import Limits, Phase, Protocol, Transaction
from revproxy.protocols.http1 import ChunkedReader, CodedReader, RequestHead, parse_request
from revproxy.proxy.http.coded import reader_of
from revproxy.proxy.http.fields import fill_head
from revproxy.proxy.http.intake import Reading, take_in
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.refusal import Refused, from_client
from revproxy.proxy.outcome import Outcome, outcome_of

CLIENT = "192.0.2.1"
"""The client's address where none is known (RFC 5737)."""


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


async def inspect_request(raw: bytes, inspection: Inspection, policy: Policy, limits: Limits) -> Outcome:
    """The outcome of one raw request. Never raises for what it contains."""
    began = time.perf_counter()
    transaction = Transaction("offline", Protocol.HTTP)
    judge = Judge(inspection, policy, transaction)
    refused: Refused | None = None
    try:
        await _inspect(raw, judge, transaction, limits)
    except Refused as error:
        refused = error
    except (HttpError, LimitError, ContentError) as error:
        refused = from_client(error)
    verdict = judge.verdict if refused is None else refused.verdict
    status = None if refused is None else refused.status
    return outcome_of(transaction, verdict, status, time.perf_counter() - began)


async def _inspect(raw: bytes, judge: Judge, transaction: Transaction, limits: Limits) -> None:
    end = raw.find(b"\r\n\r\n") + 4
    head = parse_request(raw[:end] if end > 3 else raw, limits.http)
    fill_head(transaction.fields, head, CLIENT, limits.content)
    body = _body(head, raw[end:], limits)
    if not body:
        await judge.judge(Phase.HEAD, Phase.BODY, end)
        return
    await judge.judge(Phase.HEAD, Phase.HEAD)
    reading = Reading(head, limits.content, limits.http.body_bytes)
    await take_in(_Held(body), _Nowhere(), reading, judge, transaction, limits.http.body_bytes)


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
