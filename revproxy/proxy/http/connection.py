"""HTTP/1 as a driver of exchanges: one coroutine for each connection, one request at a time.

Reads a head, hands it with its body to `exchange`, and frames the answer. A connection whose request was not read to
its end, or that broke the protocol, carries nothing more: what follows on it cannot be told from an attack. Requests
that were pipelined wait in the stream, which is read no further than its bound.
"""

from __future__ import annotations

import asyncio
import time

from revproxy.errors import HttpError, LimitError, PeerClosed, PeerError, PeerTimeout
from revproxy.model import HttpLimits, Limits, Timeouts
from revproxy.net import Stream, linger
from revproxy.protocols.http1 import (
    ChunkedReader,
    RequestHead,
    parse_request,
    write_response,
)
from revproxy.proxy.http.carrier import Http1Carrier, ReadOnce
from revproxy.proxy.http.coded import Coded, reader_of
from revproxy.proxy.http.exchange import exchange
from revproxy.proxy.http.message import Line
from revproxy.proxy.http.pages import page
from revproxy.proxy.http.peers import Peer
from revproxy.proxy.http.site import Site

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE: Line = (b"Connection", b"close")
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
        self._deadline = 0.0
        """When all of it must be there: counted from the first `read`."""

    @property
    def came(self) -> int:
        """See `message.Body`."""
        return min(self._left, self._stream.buffered)

    def whole(self, most: int) -> bytes | None:
        """See `message.Body`."""
        left = self._left
        if self._chunks is not None or self._expected or left > most or left > self._stream.buffered:
            return None
        self._left, self.done = 0, True
        return self._stream.take(left)

    async def arrive(self) -> None:
        """See `message.Body`."""
        if self._chunks is not None:
            return
        self._invite()
        stream = self._stream
        while stream.buffered < self._left:
            if not await stream.wait_data(self._patience(), stream.buffered):
                raise PeerClosed("closed within a body")

    def _invite(self) -> None:
        if self._expected:
            self._expected = False
            self._stream.write(_CONTINUE)

    def _patience(self) -> float:
        """The idle time; the whole body has a time of its own, which trickling cannot stretch."""
        now = time.monotonic()
        if not self._deadline:
            self._deadline = now + self._timeouts.request_body_total
        return min(self._timeouts.request_body_idle, max(self._deadline - now, 0.0))

    async def read(self) -> bytes:
        """See `message.Body`."""
        self._invite()
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
        data = await self._stream.read_some(self._patience(), most)
        if not data:
            raise PeerClosed("closed within a body")
        return data


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
    body = _body(request, stream, limits) if request.chunked or request.content_length else None
    return Http1Carrier(request, len(head), body, stream, peer.client_of(request), site, not last)


def _body(request: RequestHead, stream: Stream, limits: Limits) -> ReadOnce:
    body = Body(request, stream, limits.http, limits.timeouts)
    reader = reader_of(request, limits.content.inflate_ratio) if request.chunked else None
    return body if reader is None else Coded(body, reader)


async def _turn_away(stream: Stream, peer: Peer, site: Site, status: int, reason: str) -> None:
    """Answer what is no request that we take, and write it down."""
    identity = site.new_id()
    words, fields, body = page(status, identity, site.limits.caps.retry_after)
    lines = [*fields, (b"Content-Length", b"%d" % len(body)), _CLOSE]
    stream.write(write_response(status, words, lines) + body)
    site.recorder.write_gate(identity, peer.client, status, reason)
