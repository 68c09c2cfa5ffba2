"""Asking an internal server: the request written out anew, the answer read as strictly as a request.

An upstream connection with any anomaly is discarded. A request is sent again, once, only when a kept connection
turned out to be dead before a byte of the answer came, and only when sending it twice does no harm (RFC 9110 9.2.2).
"""

from __future__ import annotations

from revproxy.errors import HttpError, LimitError, PeerClosed, PeerError, UpstreamError
from revproxy.model import HttpLimits, Timeouts
from revproxy.net import Pool, Stream
from revproxy.protocols.http1 import (
    LAST_CHUNK,
    Framing,
    ResponseHead,
    body_framing,
    encode_chunk,
    parse_response,
)
from revproxy.proxy.http.refusal import from_upstream
from revproxy.proxy.http.upstream import Answer, Outgoing

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PROPFIND", b"REPORT", b"SEARCH"})
_MOST_INTERIM = 10
"""Interim answers (1xx) that are swallowed before the real one must come."""


async def ask(pool: Pool, request: Outgoing, limits: HttpLimits, timeouts: Timeouts) -> Answer:
    """Send a request inside and read the head of the answer. Raises Refused (502, 503, 504, or the body's own)."""
    stream: Stream | None = None
    fresh = False
    try:
        while True:
            stream = (None if fresh else pool.try_acquire()) or await pool.acquire(fresh)
            try:
                stream.write(request.head + request.body if request.body else request.head)
                if request.pieces is not None:
                    await _send(stream, request, timeouts)
                head = parse_response(await stream.read_head(limits.head_bytes, timeouts.upstream_response), limits)
                break
            except PeerClosed:
                if not stream.reused or request.pieces is not None or request.method not in _IDEMPOTENT:
                    raise
                if stream.buffered:
                    raise
            # A kept connection was dead before a byte of the answer came: once more, on a new one.
            pool.release(stream, False)
            stream, fresh = None, True
        if head.status < 200:
            head = await _after_interim(stream, head, limits, timeouts)
    except BaseException as error:
        if stream is not None:
            pool.release(stream, False)
        if isinstance(error, HttpError | LimitError | PeerError):
            raise from_upstream(error) from error
        raise
    return Answer(head, body_framing(head, request.method), stream, pool, limits, timeouts.upstream_idle)


async def _after_interim(stream: Stream, head: ResponseHead, limits: HttpLimits, timeouts: Timeouts) -> ResponseHead:
    """The answer after interim ones, which end here (RFC 9110 15.2)."""
    for _ in range(_MOST_INTERIM):
        if head.status == 101:
            raise HttpError(502, "upgrade-not-asked")
        head = parse_response(await stream.read_head(limits.head_bytes, timeouts.upstream_response), limits)
        if head.status >= 200:
            return head
    raise HttpError(502, "too-many-interim-answers")


async def _send(stream: Stream, request: Outgoing, timeouts: Timeouts) -> None:
    """Send the pieces of a body. A server that answers early and closes is heard, not blamed for closing."""
    assert request.pieces is not None  # the caller looked
    try:
        async for piece in request.pieces:
            stream.write(encode_chunk(piece) if request.chunked else piece)
            await stream.drain(timeouts.write_stall)
        if request.chunked:
            stream.write(LAST_CHUNK)
    except PeerClosed:
        if not stream.buffered:
            raise


async def read(answer: Answer) -> bytes:
    """The next piece of the body, nothing at its end. Raises Refused (502, 504)."""
    try:
        match answer.framing:
            case Framing.NONE:
                return b""
            case Framing.LENGTH:
                return await _read_counted(answer)
            case Framing.CHUNKED:
                return await _read_chunks(answer)
            case Framing.CLOSE:
                return await answer.stream.read_some(answer.timeout)
    except (HttpError, LimitError, PeerError) as error:
        answer.abort()
        raise from_upstream(error) from error


async def _read_counted(answer: Answer) -> bytes:
    if not answer.left:
        return b""
    data = await answer.stream.read_some(answer.timeout, answer.left)
    if not data:
        raise UpstreamError("answer-cut-short")
    answer.left -= len(data)
    return data


async def _read_chunks(answer: Answer) -> bytes:
    chunks = answer.chunks
    assert chunks is not None  # framing is CHUNKED
    while not chunks.done:
        data = await answer.stream.read_some(answer.timeout)
        if not data:
            raise UpstreamError("answer-cut-short")
        pieces = chunks.feed(data)
        if pieces:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return b""
