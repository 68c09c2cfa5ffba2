"""A connection as a stream of bytes with flow control both ways and deadlines. Knows no protocol but CRLFCRLF.

Invariants:
- at most one task reads and at most one drains at a time;
- what is read ahead of its reader is bounded: above HIGH_WATER the socket is read no more;
- no timer is made for a read: a deadline is an attribute, see `sweeper`;
- after `close`, `abort` or the loss of the connection everything that waits is told, and nothing waits for ever:
  a peer that takes nothing while we close is cut off too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from revproxy.errors import LimitError, PeerClosed, PeerTimeout
from revproxy.net.peer import TlsInfo, socket_address, tls_info, unsent
from revproxy.net.sweeper import NEVER, Sweeper, sweeper_of

HIGH_WATER: Final = 64 * 1024
"""Bytes read ahead above which the socket is read no more."""
LOW_WATER: Final = 16 * 1024
"""Bytes read ahead below which it is read again."""
WRITE_HIGH: Final = 256 * 1024
"""Bytes in the write buffer above which `drain` waits."""
STALL: Final = 30.0
"""Seconds without progress after which a peer that does not take what was written is cut off, by default."""
SLOWEST: Final = 512
"""Bytes a second below which taking is no progress."""

_END: Final = b"\r\n\r\n"


class Stream(asyncio.Protocol):
    """One connection, ours or a peer's. Made by a protocol factory; usable from `connection_made` on."""

    __slots__ = (
        "_buffer",
        "_drainer",
        "_idle",
        "_loop",
        "_reading_paused",
        "_scanned",
        "_stall",
        "_sweeper",
        "_transport",
        "_unsent",
        "_waiter",
        "choked",
        "closed",
        "closing",
        "deadline",
        "eof",
        "local",
        "lost",
        "on_lost",
        "on_made",
        "peer",
        "read_deadline",
        "received",
        "resting",
        "reused",
        "sent",
        "tls",
        "write_deadline",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_made: Callable[[Stream], None] | None = None,
        stall: float = STALL,
    ) -> None:
        """`on_made` is called once connected (after the TLS handshake)."""
        self._loop = loop
        self._sweeper: Sweeper = sweeper_of(loop)
        self._transport: asyncio.Transport | None = None
        self._buffer: bytes | bytearray = b""
        self._scanned = 0
        self._waiter: asyncio.Future[None] | None = None
        self._drainer: asyncio.Future[None] | None = None
        self._reading_paused = self._idle = False
        self._stall, self._unsent = stall, 0
        self.on_made = on_made
        self.on_lost: Callable[[Stream], None] | None = None
        """Called once when the connection is gone, whoever ended it."""
        self.peer: tuple[str, int] = ("", 0)
        self.local: tuple[str, int] = ("", 0)
        self.tls: TlsInfo | None = None
        self.deadline = self.read_deadline = self.write_deadline = NEVER
        self.choked = False
        """More than WRITE_HIGH bytes wait to be sent: `drain` before the next large write."""
        self.eof = False
        """The peer has ended its side, or the connection is gone: what is buffered is all there is."""
        self.closing = self.closed = False
        self.lost: Exception | None = None
        self.reused = False
        """Upstream only: it served an exchange before this one."""
        self.resting = False
        """Set by whoever serves it: between two exchanges, where it may be told to `hurry`."""
        self.received = self.sent = 0

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection, its TLS handshake included, is up."""
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(WRITE_HIGH)
        self.peer = socket_address(transport.get_extra_info("peername"))
        self.local = socket_address(transport.get_extra_info("sockname"))
        secured = transport.get_extra_info("ssl_object")
        if secured is not None:
            self.tls = tls_info(secured)
        self._sweeper.add(self)
        if self.on_made is not None:
            self.on_made(self)

    def data_received(self, data: bytes) -> None:
        """Buffer and wake the reader."""
        self.received += len(data)
        buffer = self._buffer
        if not buffer:
            self._buffer = data
        elif type(buffer) is bytearray:
            buffer += data
        else:
            self._buffer = bytearray(buffer)
            self._buffer += data
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            self.read_deadline = NEVER
            self.deadline = self.write_deadline
            if not waiter.done():
                waiter.set_result(None)
        if len(self._buffer) > HIGH_WATER and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The peer has ended its side: ours stays open (but for TLS, which cannot half-close) until we close it."""
        self.eof = True
        self._wake(None)
        return self.tls is None

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone: tell everybody, once."""
        self.eof = self.closed = self.closing = True
        self.lost, self.choked = exc, False
        self._sweeper.discard(self)
        self._wake(None)
        drainer, self._drainer = self._drainer, None
        if drainer is not None and not drainer.done():
            drainer.set_exception(PeerClosed("connection lost while writing"))
        callback, self.on_lost = self.on_lost, None
        if callback is not None:
            callback(self)

    def pause_writing(self) -> None:
        """Too much waits to be sent; from here on the peer must make progress."""
        self.choked = True
        self._watch_writing()

    def resume_writing(self) -> None:
        """The peer took enough."""
        self.choked = False
        if not self.closing:
            self.write_deadline = NEVER
            self.deadline = self.read_deadline
        drainer, self._drainer = self._drainer, None
        if drainer is not None and not drainer.done():
            drainer.set_result(None)

    @property
    def transport(self) -> asyncio.Transport:
        """The transport itself. Raises PeerClosed before the connection is up."""
        if self._transport is None:
            raise PeerClosed("not connected")
        return self._transport

    def secured(self, transport: asyncio.Transport, tls: TlsInfo) -> None:
        """The connection goes on over TLS (`dialer.starttls`)."""
        self._transport = transport
        self.tls = tls
        transport.set_write_buffer_limits(WRITE_HIGH)

    # Reading.

    @property
    def buffered(self) -> int:
        """Bytes that were read ahead."""
        return len(self._buffer)

    async def wait_data(self, timeout: float, beyond: int = 0) -> bool:
        """Whether there are more than `beyond` bytes to read: False at the end. Raises PeerTimeout."""
        if len(self._buffer) <= beyond:
            deadline = self._loop.time() + timeout
            while len(self._buffer) <= beyond:
                if self.eof:
                    return False
                await self._wait(deadline)
        return True

    async def read_head(self, most: int, timeout: float, idle: float | None = None) -> bytes:
        """Everything up to and including the first CRLFCRLF, at most `most` bytes, within `timeout` seconds in all.

        With `idle` that time begins with the first byte, for which `idle` seconds are waited. What follows the head
        stays buffered. Raises LimitError("head_bytes"), PeerTimeout, or PeerClosed; the last also when the peer ends
        before the first byte (`buffered` is 0 then).
        """
        deadline = 0.0
        while True:
            buffer = self._buffer
            at = buffer.find(_END, self._scanned) if buffer else -1
            if at >= 0:
                self._scanned = 0
                at += 4
                if at > most:
                    raise LimitError("head_bytes", most)
                return self._take(at)
            size = len(buffer)
            if size >= most:
                raise LimitError("head_bytes", most)
            if self.eof:
                raise PeerClosed("closed within a head" if size else "closed before a head")
            self._scanned = size - 3 if size > 3 else 0
            if idle is not None and not size:
                await self._wait(self._loop.time() + idle)
                continue
            if not deadline:
                deadline = self._loop.time() + timeout
            await self._wait(deadline)

    async def read_some(self, timeout: float, most: int = HIGH_WATER * 4) -> bytes:
        """What is there, at least one byte and at most `most`; b"" at the end.

        Raises PeerTimeout, and PeerClosed when the connection broke: a reset is no end.
        """
        if not self._buffer:
            deadline = self._loop.time() + timeout
            while not self._buffer:
                if self.lost is not None:
                    raise PeerClosed("connection broke")
                if self.eof:
                    return b""
                await self._wait(deadline)
        return self.take(most)

    def take(self, most: int) -> bytes:
        """Up to `most` of the bytes that are already there, without waiting; perhaps b""."""
        size = len(self._buffer)
        self._scanned = 0
        return self._take(most if most < size else size)

    def unread(self, data: bytes) -> None:
        """Put bytes back in front of what is buffered."""
        if data:
            self._buffer = data + self._buffer if self._buffer else data
            self._scanned = 0

    def is_idle_clean(self) -> bool:
        """Whether a pooled connection may serve again: open, and nothing came in since it was given back."""
        return not (self._buffer or self.eof or self.closing or self.choked)

    def idle_until(self, timeout: float) -> None:
        """Nobody reads it for now: it is closed after `timeout` seconds, unless `busy` is called before."""
        self._idle = True
        self.deadline = self.read_deadline = self._loop.time() + timeout

    def hurry(self, timeout: float) -> None:
        """The read under way, if there is one, must succeed within `timeout` seconds."""
        if self._waiter is not None:
            self.read_deadline = min(self.read_deadline, self._loop.time() + timeout)
            self.deadline = min(self.deadline, self.read_deadline)

    def busy(self) -> None:
        """Idle no more."""
        self._idle = False
        self.deadline = self.read_deadline = NEVER

    def _take(self, size: int) -> bytes:
        """The first `size` bytes of the buffer, as bytes."""
        buffer = self._buffer
        if size == len(buffer):
            self._buffer = b""
            data = buffer if type(buffer) is bytes else bytes(buffer)
        else:
            data = buffer[:size] if type(buffer) is bytes else bytes(buffer[:size])
            if type(buffer) is bytearray:
                del buffer[:size]
            else:
                self._buffer = buffer[size:]
        if self._reading_paused and len(self._buffer) <= LOW_WATER:
            self._resume_reading()
        return data

    def _resume_reading(self) -> None:
        self._reading_paused = False
        if self._transport is not None and not self.closing:
            self._transport.resume_reading()

    def _wait(self, deadline: float) -> asyncio.Future[None]:
        """To be awaited until something changes: bytes, the end, or the deadline (PeerTimeout)."""
        if self._waiter is not None and not self._waiter.done():
            raise RuntimeError("two tasks read one stream")
        if self._reading_paused:
            self._resume_reading()
        waiter = self._waiter = self._loop.create_future()
        self.read_deadline = deadline
        if deadline < self.deadline:
            self.deadline = deadline
        return waiter

    def _wake(self, error: Exception | None) -> None:
        """Wake the reader."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self.read_deadline = NEVER
            self.deadline = self.write_deadline
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    # Writing.

    def write(self, data: bytes) -> None:
        """Send, or queue to be sent. Raises PeerClosed when the connection is gone."""
        if self.closing or self._transport is None:
            raise PeerClosed("write on a closed connection")
        self.sent += len(data)
        self._transport.write(data)

    async def drain(self, timeout: float | None = None) -> None:
        """Wait until the peer has taken enough. Raises PeerTimeout without any progress for `timeout` seconds (the
        stream's own stall time when None), and PeerClosed."""
        if self.closed:
            raise PeerClosed("connection lost while writing")
        if not self.choked:
            return
        if self._drainer is not None:
            raise RuntimeError("two tasks drain one stream")
        if timeout is not None:
            self._stall = timeout
            self._watch_writing()
        drainer: asyncio.Future[None] = self._loop.create_future()
        self._drainer = drainer
        try:
            await drainer
        finally:
            self._drainer = None

    def _watch_writing(self) -> None:
        """Begin to demand progress of the peer."""
        if self._transport is not None:
            self._unsent = unsent(self._transport)
        self.write_deadline = self._loop.time() + self._stall
        self.deadline = min(self.read_deadline, self.write_deadline)

    # Ending.

    def close(self) -> None:
        """Send what is queued, then close. Never waits; a peer that takes nothing is cut off after the stall time."""
        if self.closing or self._transport is None:
            return
        self.closing = True
        self._watch_writing()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what is queued is lost."""
        self.closing = True
        if self._transport is not None:
            self._transport.abort()

    def expire(self, now: float) -> None:
        """The sweeper found the deadline passed: the read's, the write's, or both."""
        if self.read_deadline <= now:
            self.read_deadline = NEVER
            if self._idle:
                self.close()
            self._wake(PeerTimeout("no bytes in time"))
        if self.write_deadline <= now:
            self._stalled(now)
        self.deadline = min(self.read_deadline, self.write_deadline)

    def _stalled(self, now: float) -> None:
        """Give a peer that took enough more time; cut off one that took nothing, or next to nothing."""
        left = unsent(self._transport) if self._transport is not None else 0
        if self._unsent - left >= max(1, int(self._stall * SLOWEST)):
            self._unsent = left
            self.write_deadline = now + self._stall
            return
        self.write_deadline = NEVER
        drainer, self._drainer = self._drainer, None
        if drainer is not None and not drainer.done():
            drainer.set_exception(PeerTimeout("nothing was taken in time"))
        self.abort()
