"""Requests sent at a steady rate, whether or not answers come; the time of each until its answer.

    python -m bench.paced PORT RATE FILE

FILE is as `bench.replay` has it. A request is sent when it is due, over a connection that waits for no answer, or
over a new one; the time begins when it is due, so that a server that stands still is not spared the requests that it
keeps waiting. At the end one line of JSON: `Paced`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import uvloop

from bench.replay import Reader, Request, read

PATIENCE_SECONDS = 60.0
"""How long answers are waited for after the last request."""
MOST = 500
"""Most requests under way: beyond, those that are due are not sent, and count as errors."""


@dataclass(slots=True)
class Paced:
    """What came of a run: seconds of each request whose status was expected, and of those without one (0)."""

    ordinary: list[float] = field(default_factory=list)
    hostile: list[float] = field(default_factory=list)
    wrong: int = 0
    errors: int = 0
    late: float = 0.0
    """Seconds that the sender itself was behind, at worst."""


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, idle: list[Connection], told: Paced) -> None:
        self._idle = idle
        self._told = told
        self._reader = Reader()
        self._transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._expected: int | None = None
        self._due = 0.0
        self.done: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for `send`."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def send(self, request: Request, due: float) -> None:
        """Send it; `done` is set when the answer is there, or will not come."""
        assert self._transport is not None
        self._expected, raw = request
        self._due = due
        self.done = self._loop.create_future()
        self._transport.write(raw)

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        self._reader.feed(data)
        taken = self._reader.take(False)
        if taken is None:
            return
        status, closes = taken
        took = time.perf_counter() - self._due
        if self._expected:
            self._told.ordinary.append(took)
            self._told.wrong += status != self._expected
        else:
            self._told.hostile.append(took)
        self._expected = None
        assert self._transport is not None
        if closes:
            self._transport.close()
        else:
            self._idle.append(self)
        self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody sends anything here any more."""
        self.lost.set_result(None)
        if self in self._idle:
            self._idle.remove(self)
        if self._expected is not None:
            self._told.errors += 1
            self.done.set_result(None)

    async def close(self) -> None:
        """Wait for nothing any more."""
        self._expected = None
        assert self._transport is not None
        self._transport.abort()
        await self.lost


async def paced(requests: Iterable[Request], port: int, rate: float, patience: float = PATIENCE_SECONDS) -> Paced:
    """Send so many a second to that port of this machine. Raises OSError where nobody listens."""
    loop = asyncio.get_running_loop()
    told = Paced()
    idle: list[Connection] = []
    everyone: list[Connection] = []
    under_way: set[asyncio.Task[None]] = set()

    async def one(request: Request, due: float) -> None:
        if idle:
            connection = idle.pop()
        else:
            _, connection = await loop.create_connection(lambda: Connection(idle, told), "127.0.0.1", port)
            everyone.append(connection)
        connection.send(request, due)
        await connection.done

    began = time.perf_counter()
    for at, request in enumerate(requests):
        due = began + at / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        told.late = max(told.late, time.perf_counter() - due)
        if len(under_way) >= MOST:
            told.errors += 1
            continue
        task = loop.create_task(one(request, due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    _, missing = await asyncio.wait(under_way, timeout=patience) if under_way else (set(), set())
    told.errors += len(missing)
    for task in missing:
        task.cancel()
    for connection in everyone:
        await connection.close()
    return told


def main(arguments: list[str]) -> None:
    """Run; print what came of it."""
    port, rate, file = arguments
    requests = list(read(Path(file).read_bytes()))
    print(json.dumps(asdict(uvloop.run(paced(requests, int(port), float(rate))))))


if __name__ == "__main__":
    main(sys.argv[1:])
