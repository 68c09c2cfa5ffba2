"""Asking an internal server: the request written out anew, the answer read as strictly as a request.

An upstream connection with any anomaly is discarded. A request is sent again, once, only when a kept connection
turned out to be dead before a byte of the answer came, and only when sending it twice does no harm (RFC 9110 9.2.2).
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass

from revproxy.errors import HttpError, LimitError, PeerClosed, PeerError, UpstreamError
from revproxy.model import HttpLimits, Timeouts
from revproxy.net import Pool, Stream
from revproxy.protocols.http1 import (
    LAST_CHUNK,
    ChunkedReader,
    Framing,
    ResponseHead,
    body_framing,
    encode_chunk,
    parse_response,
)
from revproxy.proxy.http.refusal import from_upstream

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PROPFIND", b"REPORT", b"SEARCH"})
_MOST_INTERIM = 10
"""Interim answers (1xx) that are swallowed before the real one must come."""


@dataclass(slots=True)
class Outgoing:
    """A request ready to go: `head` is complete bytes; `body` is all of it, or `pieces` follow.

    `pieces` is None where `body` is everything; `chunked` frames pieces of unknown total length.
    """

    method: bytes
    head: bytes
    body: bytes = b""
    pieces: AsyncIterable[bytes] | None = None
    chunked: bool = False


class Answer:
    """The head of an answer, and its body to be read once. Give it back with `close` whatever happened."""

    __slots__ = ("_chunks", "_given", "_left", "_pool", "_stream", "_timeout", "framing", "head")

    def __init__(
        self, head: ResponseHead, framing: Framing, stream: Stream, pool: Pool, limits: HttpLimits, timeout: float
    ) -> None:
        self.head = head
        self.framing = framing
        self._left = head.content_length or 0 if framing is Framing.LENGTH else 0
        self._chunks = ChunkedReader(limits, 502) if framing is Framing.CHUNKED else None
        self._stream = stream
        self._pool = pool
        self._timeout = timeout
        self._given = False

    @property
    def length(self) -> int | None:
        """Bytes of the body, None when only its end will tell."""
        match self.framing:
            case Framing.NONE:
                return 0
            case Framing.LENGTH:
                return self.head.content_length
            case _:
                return None

    def whole(self) -> bytes | None:
        """The whole body when all of it is there already, else None and nothing was read."""
        if self.framing is Framing.LENGTH and self._left <= self._stream.buffered:
            data = self._stream.take(self._left)
            self._left = 0
            return data
        return b"" if self.framing is Framing.NONE else None

    async def read(self) -> bytes:
        """The next piece of the body, nothing at its end. Raises Refused (502, 504)."""
        try:
            match self.framing:
                case Framing.NONE:
                    return b""
                case Framing.LENGTH:
                    return await self._read_counted()
                case Framing.CHUNKED:
                    return await self._read_chunks()
                case Framing.CLOSE:
                    return await self._stream.read_some(self._timeout)
        except (HttpError, LimitError, PeerError) as error:
            self.abort()
            raise from_upstream(error) from error

    async def _read_counted(self) -> bytes:
        if not self._left:
            return b""
        data = await self._stream.read_some(self._timeout, self._left)
        if not data:
            raise UpstreamError("answer-cut-short")
        self._left -= len(data)
        return data

    async def _read_chunks(self) -> bytes:
        chunks = self._chunks
        assert chunks is not None  # framing is CHUNKED
        while not chunks.done:
            data = await self._stream.read_some(self._timeout)
            if not data:
                raise UpstreamError("answer-cut-short")
            pieces = chunks.feed(data)
            if pieces:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return b""

    def close(self) -> None:
        """Hand the connection back to its pool, for another request if the answer left it clean."""
        match self.framing:
            case Framing.CHUNKED:
                complete = self._chunks is not None and self._chunks.done and not self._chunks.rest
            case Framing.CLOSE:
                complete = False
            case Framing.NONE:
                # HEAD, 204, 304: a server that sends the body all the same must not answer the next client with it.
                complete = not self.head.chunked and not self.head.content_length
            case _:
                complete = not self._left
        self._give(complete and self.head.keep_alive)

    def abort(self) -> None:
        """Throw the connection away: the answer is not complete, or not clean."""
        self._give(False)

    def _give(self, reusable: bool) -> None:
        """Once: whoever comes second finds it given."""
        if not self._given:
            self._given = True
            self._pool.release(self._stream, reusable)


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
