"""Connections to one upstream, kept for the next exchange: one pool for each upstream in each worker.

Invariants:
- never more than `upstream.connections` at a time, those being dialled included;
- who waits is served in the order of coming; a waiter that is cancelled loses neither a connection nor its right;
- the connection used last is used next; an idle one that says anything, ends or grows old is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque

from revproxy.config.settings import Upstream
from revproxy.errors import UpstreamError
from revproxy.model import Timeouts
from revproxy.net.dialer import Dialer
from revproxy.net.stream import Stream


class Pool:
    """`stream = pool.try_acquire() or await pool.acquire()`, then `pool.release(stream, reusable)` exactly once."""

    __slots__ = (
        "_dialer",
        "_idle",
        "_timeouts",
        "_waiting",
        "dialled",
        "failed",
        "full",
        "reused",
        "total",
        "upstream",
    )

    def __init__(self, upstream: Upstream, dialer: Dialer, timeouts: Timeouts) -> None:
        self.upstream = upstream
        self._dialer = dialer
        self._timeouts = timeouts
        self._idle: list[Stream] = []
        self._waiting: deque[asyncio.Future[Stream | None]] = deque()
        self.total = 0
        """Connections open or being dialled."""
        self.dialled = 0
        self.reused = 0
        self.failed = 0
        self.full = 0
        """Exchanges that waited in vain."""

    @property
    def idle(self) -> int:
        """Connections that wait for an exchange."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Exchanges that wait for a connection."""
        return len(self._waiting)

    def try_acquire(self) -> Stream | None:
        """An idle connection (`reused` is true), or None: then `acquire`."""
        while self._idle:
            stream = self._idle.pop()
            stream.on_lost = None
            stream.busy()
            if stream.is_idle_clean():
                stream.reused = True
                self.reused += 1
                return stream
            self.release(stream, reusable=False)
        return None

    async def acquire(self, fresh: bool = False) -> Stream:
        """A connection, dialled when none is idle or when `fresh` is asked for (after a stale one).

        Raises UpstreamError (refused, or "pool_full" after `timeouts.pool_wait` seconds) or PeerTimeout.
        """
        if not fresh:
            stream = self.try_acquire()
            if stream is not None:
                return stream
        if self.total >= self.upstream.connections and self._idle:
            self.release(self._idle_out(), reusable=False)
        if self.total < self.upstream.connections and not self._waiting:
            self.total += 1
        else:
            stream = await self._wait()
            if stream is not None:
                if not fresh and stream.is_idle_clean():
                    return stream
                stream.close()
        return await self._dial()

    def release(self, stream: Stream, reusable: bool) -> None:
        """Give back: to the first that waits, to the idle ones, or, not reusable, to nobody."""
        if not (reusable and stream.is_idle_clean()):
            stream.close()
            self._free()
            return
        waiter = self._next_waiter()
        if waiter is not None:
            stream.reused = True
            self.reused += 1
            waiter.set_result(stream)
            return
        stream.on_lost = self._lost
        stream.idle_until(self._timeouts.upstream_keep_alive)
        self._idle.append(stream)

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is released (`release` still counts)."""
        while self._idle:
            self.release(self._idle_out(), reusable=False)

    def _idle_out(self) -> Stream:
        stream = self._idle.pop()
        stream.on_lost = None
        return stream

    def _lost(self, stream: Stream) -> None:
        """An idle connection ended by itself, or grew too old."""
        self._idle.remove(stream)
        self._free()

    def _free(self) -> None:
        """One connection fewer: the right to dial goes to the first that waits."""
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self.total -= 1

    def _next_waiter(self) -> asyncio.Future[Stream | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    async def _wait(self) -> Stream | None:
        """A connection, or None for the right to dial one."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Stream | None] = loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._timeouts.pool_wait):
                return await waiter
        except TimeoutError:
            self._hand_on(waiter)
            self.full += 1
            raise UpstreamError("pool_full") from None
        except asyncio.CancelledError:
            self._hand_on(waiter)
            raise

    def _hand_on(self, waiter: asyncio.Future[Stream | None]) -> None:
        """What a waiter got in the moment in which it gave up goes to the next."""
        if waiter.cancelled() or not waiter.done():
            waiter.cancel()
            return
        stream = waiter.result()
        if stream is None:
            self._free()
        else:
            self.release(stream, reusable=True)

    async def _dial(self) -> Stream:
        """Dial with a right that is already counted; a failure gives the right on."""
        try:
            stream = await self._dialer.dial(self.upstream, self._timeouts.connect)
        except BaseException:
            self.failed += 1
            self._free()
            raise
        self.dialled += 1
        return stream
