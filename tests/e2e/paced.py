"""A client that asks at a steady rate over connections that stay, and knows what became of every request.

One request at a time on each connection, so what was in flight in a process that dies is at most one request on each
of its connections. A connection that was closed while nothing was asked on it costs nothing: the next request opens
another one, as browsers do.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

_WAIT_SECONDS = 20.0


@dataclass
class Course:
    """What became of the requests; times are of the monotonic clock."""

    answered: list[float] = field(default_factory=list)
    """When each answer was there."""
    failed: list[tuple[float, str]] = field(default_factory=list)
    """When, and why."""
    refused: int = 0
    """Connections that nobody took."""
    slowest: float = 0.0
    """Seconds from a request to its answer."""
    closed: int = 0
    """Connections that ended while nothing was asked on them."""

    def rate(self, begin, end):
        """Answers a second between two moments."""
        return sum(begin <= when < end for when in self.answered) / (end - begin)

    def longest_gap(self):
        """Seconds without any answer."""
        pairs = zip(self.answered, self.answered[1:], strict=False)
        return max((after - before for before, after in pairs), default=0.0)


class _Asker:
    """One connection's place."""

    def __init__(self, port, path, course):
        self._port, self._course = port, course
        self._head = (
            f"GET {path} HTTP/1.1\r\nHost: one.example\r\nUser-Agent: paced/1\r\nAccept: */*\r\n\r\n".encode()
        )
        self._streams = None

    async def ask(self):
        began = time.monotonic()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._open()
                await self._exchange()
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self._course.failed.append((time.monotonic(), f"{type(error).__name__}: {error}"))
            self._course.refused += isinstance(error, ConnectionRefusedError)
            self.close()
            return
        now = time.monotonic()
        self._course.answered.append(now)
        self._course.slowest = max(self._course.slowest, now - began)

    async def _open(self):
        if self._streams is not None and (self._streams[0].at_eof() or self._streams[0].exception() is not None):
            self._course.closed += 1
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)

    async def _exchange(self):
        reader, writer = self._streams
        writer.write(self._head)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise ValueError(head.decode("latin-1")[:40])
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if b"connection: close" in head:
            self.close()

    def close(self):
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _keep_asking(asker, first, interval, stop):
    at = first
    while not stop.is_set():
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        await asker.ask()
        # What an outage has held up is not made up for.
        at = max(at + interval, time.monotonic())
    asker.close()


async def _ask_all(port, path, per_second, connections, course, stop):
    interval, now = connections / per_second, time.monotonic()
    askers = [_Asker(port, path, course) for _ in range(connections)]
    turns = [now + interval * number / connections for number in range(connections)]
    await asyncio.gather(*(_keep_asking(a, t, interval, stop) for a, t in zip(askers, turns, strict=True)))


@contextmanager
def paced(port, path="/page?q=garden+chair", per_second=1000, connections=16):
    """The course of such a load, which goes on beside the body."""
    course, stop = Course(), threading.Event()
    work = threading.Thread(target=lambda: asyncio.run(_ask_all(port, path, per_second, connections, course, stop)))
    work.start()
    try:
        yield course
    finally:
        stop.set()
        work.join()
