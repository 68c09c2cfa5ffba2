"""HTTP/1 as a driver of exchanges: one coroutine for each connection, one request at a time.

Reads a head, hands it with its body to `exchange`, and frames the answer. A connection whose request was not read to
its end, or that broke the protocol, carries nothing more: what follows on it cannot be told from an attack. Requests
that were pipelined wait in the stream, which is read no further than its bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from revproxy.errors import HttpError, LimitError, PeerClosed, PeerError, PeerTimeout
from revproxy.model import HttpLimits, Timeouts
from revproxy.net import Stream, linger
from revproxy.protocols.http1 import (
    LAST_CHUNK,
    ChunkedReader,
    FieldWriter,
    RequestHead,
    encode_chunk,
    parse_request,
    response_head,
    write_response,
)
from revproxy.proxy.http.coded import Coded, reader_of
from revproxy.proxy.http.exchange import exchange
from revproxy.proxy.http.headers import NOT_OUTSIDE
from revproxy.proxy.http.message import Client, Line
from revproxy.proxy.http.pages import page
from revproxy.proxy.http.peers import Peer
from revproxy.proxy.http.site import Site

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE: Line = (b"Connection", b"close")
_LINES = FieldWriter(NOT_OUTSIDE)
_BODILESS_LINES = FieldWriter(NOT_OUTSIDE - {b"content-length"})
"""HEAD and 304 tell the length of a body that they do not carry (RFC 9110 8.6)."""
_PIECE_BYTES = 256 * 1024
_CHUNKS_BYTES = 16 * 1024
"""Chunks are taken apart so many bytes at a time, so that tiny ones do not hold the loop."""
_OVERHEAD_BYTES = 64 * 1024
"""Bytes of chunk framing from which on there must be more payload than framing: nobody sends a body byte by byte."""
DRAIN_IDLE_SECONDS = 5.0
"""While draining, a connection that waits for its next request is closed after this; a request that comes before
is still answered, so that no client loses one to the race."""
LINGER_SECONDS = 2.0
LINGER_BYTES = 1024 * 1024


class Body:
    """A request body on an HTTP/1 connection: counted or chunked."""

    __slots__ = (
        "_chunks",
        "_clock",
        "_deadline",
        "_expected",
        "_left",
        "_payload",
        "_stream",
        "_timeouts",
        "done",
        "length",
    )

    def __init__(self, head: RequestHead, stream: Stream, limits: HttpLimits, timeouts: Timeouts) -> None:
        self.length = head.content_length
        self.done = False
        self._left = head.content_length or 0
        self._payload = 0
        self._chunks = ChunkedReader(limits) if head.chunked else None
        self._expected = head.expect
        self._stream = stream
        self._timeouts = timeouts
        self._clock = asyncio.get_running_loop().time
        self._deadline = self._clock() + timeouts.request_body_total

    async def read(self) -> bytes:
        """See `message.Body`."""
        if self._expected:
            self._expected = False
            self._stream.write(_CONTINUE)
        while not self.done:
            piece = await (self._counted() if self._chunks is None else self._chunked(self._chunks))
            if piece:
                return piece
        return b""

    async def _counted(self) -> bytes:
        data = await self._some(min(self._left, _PIECE_BYTES))
        self._left -= len(data)
        self.done = not self._left
        return data

    async def _chunked(self, chunks: ChunkedReader) -> bytes:
        if self._stream.buffered:
            await asyncio.sleep(0)
        pieces = chunks.feed(await self._some(_CHUNKS_BYTES))
        self._payload += sum(map(len, pieces))
        if chunks.overhead > max(_OVERHEAD_BYTES, 2 * self._payload):
            raise HttpError(400, "chunk-overhead")
        if chunks.done:
            self.done = True
            self._stream.unread(chunks.rest)
        return b"".join(pieces)

    async def _some(self, most: int) -> bytes:
        """What came within the idle time; the whole body has a time of its own, which trickling cannot stretch."""
        left = self._deadline - self._clock()
        data = await self._stream.read_some(min(self._timeouts.request_body_idle, max(left, 0.0)), most)
        if not data:
            raise PeerClosed("closed within a body")
        return data


class Http1Carrier:
    """One request of a connection, and the place for its answer (`message.Carrier` and `message.Reply`)."""

    __slots__ = (
        "_chunked",
        "_keep",
        "_site",
        "_stream",
        "_timeouts",
        "body",
        "client",
        "head_bytes",
        "request",
        "sent",
    )

    def __init__(
        self, request: RequestHead, size: int, stream: Stream, client: Client, site: Site, keep: bool
    ) -> None:
        """`keep` is false when the connection is to be closed after this exchange whatever the client wants."""
        limits = site.limits
        self.request = request
        self.head_bytes = size
        self.client = client
        self.body: Body | Coded | None = None
        if request.chunked or request.content_length:
            body = Body(request, stream, limits.http, limits.timeouts)
            reader = reader_of(request, limits.content.inflate_ratio) if request.chunked else None
            self.body = body if reader is None else Coded(body, reader)
        self.sent = 0
        self._site = site
        self._stream = stream
        self._timeouts = limits.timeouts
        self._keep = keep and request.keep_alive
        self._chunked = False

    @property
    def reply(self) -> Http1Carrier:
        """The answer goes out the way the request came in."""
        return self

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the connection."""
        return self._keep and not self._stream.closing

    async def whole(self, status: int, reason: bytes, fields: Sequence[Line], body: bytes) -> None:
        """See `message.Reply`."""
        if self.request.method == b"HEAD" or status == 304:
            lines, body = b"".join([_BODILESS_LINES[field] for field in fields]), b""
        elif status == 204:
            lines, body = b"".join([_LINES[field] for field in fields]), b""
        else:
            lines = b"%bContent-Length: %d\r\n" % (b"".join([_LINES[field] for field in fields]), len(body))
        stream, data = self._stream, response_head(status, reason, lines + self._connection()) + body
        stream.write(data)
        self.sent += len(data)
        if stream.choked:
            await stream.drain(self._timeouts.write_stall)

    async def begin(self, status: int, reason: bytes, fields: Sequence[Line], length: int | None) -> None:
        """See `message.Reply`. HTTP/1.0 knows no chunks: the end of the connection ends the body."""
        lines = b"".join([_LINES[field] for field in fields])
        if length is not None:
            lines += b"Content-Length: %d\r\n" % length
        elif self.request.version == b"HTTP/1.1":
            self._chunked = True
            lines += b"Transfer-Encoding: chunked\r\n"
        else:
            self._keep = False
        await self._write(response_head(status, reason, lines + self._connection()))

    async def piece(self, data: bytes) -> None:
        """See `message.Reply`."""
        await self._write(encode_chunk(data) if self._chunked else data)

    async def end(self) -> None:
        """See `message.Reply`."""
        if self._chunked:
            await self._write(LAST_CHUNK)

    def abort(self) -> None:
        """See `message.Reply`: a reset, or at least an end before the announced length or the last chunk."""
        self._keep = False
        self._stream.abort()

    def _connection(self) -> bytes:
        """The line that says what becomes of the connection, where that needs saying (RFC 9112 9.3)."""
        # A drain may have begun since the request was read.
        if self._site.draining or (self.body is not None and not self.body.done):
            self._keep = False
        if not self._keep:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if self.request.version == b"HTTP/1.0" else b""

    async def _write(self, data: bytes) -> None:
        stream = self._stream
        stream.write(data)
        self.sent += len(data)
        if stream.choked:
            await stream.drain(self._timeouts.write_stall)


async def serve(stream: Stream, peer: Peer, site: Site) -> None:
    """Serve a connection until it ends. `site.draining` asks for a close with the next answer."""
    served = 0
    try:
        while True:
            carrier = await _read(stream, peer, site, served)
            if carrier is None:
                await linger(stream, LINGER_SECONDS, LINGER_BYTES)
                return
            await exchange(carrier, site)
            served += 1
            if stream.buffered:
                # Requests that came in one go may all be answered without ever waiting: the others get their turn.
                await asyncio.sleep(0)
            if not carrier.reusable:
                if carrier.body is not None and not carrier.body.done:
                    await linger(stream, LINGER_SECONDS, LINGER_BYTES)
                return
    except PeerError:
        return
    finally:
        stream.close()


async def _read(stream: Stream, peer: Peer, site: Site, served: int) -> Http1Carrier | None:
    """The next request, or None when it was refused at the gate and answered. PeerError when none came."""
    limits = site.limits
    timeouts = limits.timeouts
    idle = timeouts.keep_alive if served else timeouts.request_head
    if site.draining:
        idle = min(idle, DRAIN_IDLE_SECONDS)
    stream.resting = True
    try:
        head = await stream.read_head(limits.http.head_bytes, timeouts.request_head, idle)
        stream.resting = False
        request = parse_request(head, limits.http)
        if request.upgrade and b"websocket" in (request.get(b"upgrade") or b"").lower():
            raise HttpError(501, "websocket")
    except HttpError as error:
        await _turn_away(stream, peer, site, error.status, error.reason)
        return None
    except LimitError as error:
        await _turn_away(stream, peer, site, 431, error.limit)
        return None
    except PeerTimeout:
        if not stream.buffered:
            # Silence on an idle connection is no error.
            raise
        await _turn_away(stream, peer, site, 408, "request-head-timeout")
        return None
    last = served + 1 >= limits.http.requests_per_connection
    return Http1Carrier(request, len(head), stream, peer.client_of(request), site, keep=not last)


async def _turn_away(stream: Stream, peer: Peer, site: Site, status: int, reason: str) -> None:
    """Answer what is no request that we take, and write it down."""
    identity = site.new_id()
    words, fields, body = page(status, identity, site.limits.caps.retry_after)
    lines = [*fields, (b"Content-Length", b"%d" % len(body)), _CLOSE]
    stream.write(write_response(status, words, lines) + body)
    site.recorder.write_gate(identity, peer.client, status, reason)
