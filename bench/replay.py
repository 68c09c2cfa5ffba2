"""Recorded requests sent over a few kept connections, as fast as the answers come; every answer's status is counted.

    python -m bench.replay PORT CONNECTIONS SECONDS FILE

FILE has a frame for each request (`write`): the status that is expected (0: any), the length, the bytes. Each is sent
once. When SECONDS are over, or all were sent, what is under way is waited for; then one line of JSON is printed
(`Told`). It is a process of its own, so that it can have a processor of its own. It understands no more of HTTP than
it takes to find the end of an answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import uvloop

_FRAME = struct.Struct("<HI")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_NO_BODY = frozenset({204, 304})
PATIENCE_SECONDS = 120.0
"""When no answer came for so long, on any connection, none is waited for any more."""
_ANY = 0
"""As an expected status: whatever comes."""

Request = tuple[int, bytes]
"""(expected status, or 0 for any; the bytes)"""


@dataclass(slots=True)
class Told:
    """What came of a run. `errors` are requests that got no answer."""

    done: int = 0
    wrong: int = 0
    errors: int = 0
    statuses: dict[str, int] = field(default_factory=dict)


def write(file: Path, requests: Iterable[Request]) -> int:
    """Put them into a file; how many they are."""
    count = 0
    with file.open("wb") as sink:
        for expected, raw in requests:
            sink.write(_FRAME.pack(expected, len(raw)) + raw)
            count += 1
    return count


def read(data: bytes) -> Iterator[Request]:
    """What `write` wrote."""
    at = 0
    while at < len(data):
        expected, length = _FRAME.unpack_from(data, at)
        at += _FRAME.size + length
        yield expected, data[at - length : at]


class Reader:
    """One answer after the other out of the bytes of a connection."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """More bytes."""
        self._data += data

    def take(self, head_only: bool) -> tuple[int, bool] | None:
        """(status, whether the server closes) of the next whole answer; None: not there yet."""
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._data[: end + 2])
        status, start = int(head[9:12]), end + 4
        if 100 <= status < 200:
            del self._data[:start]
            return self.take(head_only)
        stop = start if head_only or status in _NO_BODY else self._stop(head, start)
        if stop is None or stop > len(self._data):
            return None
        del self._data[:stop]
        return status, _CLOSES.search(head) is not None

    def _stop(self, head: bytes, start: int) -> int | None:
        if _CHUNKED.search(head):
            return self._last_chunk(start)
        found = _LENGTH.search(head)
        return start + int(found[1]) if found else start

    def _last_chunk(self, at: int) -> int | None:
        while (end := self._data.find(b"\r\n", at)) >= 0:
            size = int(bytes(self._data[at:end]).partition(b";")[0], 16)
            at = end + 2 + size + 2
            if size == 0:
                return at
        return None


class Sender:
    """Where requests come from and where answers are counted; one for all connections."""

    def __init__(self, requests: Iterator[Request], seconds: float) -> None:
        self.told = Told()
        self._requests = requests
        self._until = time.monotonic() + seconds

    def next(self) -> Request | None:
        """The next one to send; None: there is none, or time is up."""
        return next(self._requests, None) if time.monotonic() < self._until else None

    def answered(self, expected: int, status: int) -> None:
        """Count an answer."""
        self.told.done += 1
        self.told.wrong += expected not in (_ANY, status)
        self.told.statuses[str(status)] = self.told.statuses.get(str(status), 0) + 1


class Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next one."""

    def __init__(self, sender: Sender, first: Request) -> None:
        self.over: asyncio.Future[Request | None] = asyncio.get_running_loop().create_future()
        self._sender = sender
        self._request = first
        self._reader = Reader()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.write(self._request[1])

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        self._reader.feed(data)
        expected, raw = self._request
        taken = self._reader.take(raw.startswith(b"HEAD "))
        if taken is None:
            return
        status, closes = taken
        self._sender.answered(expected, status)
        following = self._sender.next()
        if following is None or closes:
            self._end(following)
            return
        self._request = following
        assert self._transport is not None
        self._transport.write(following[1])

    def connection_lost(self, exc: Exception | None) -> None:
        """Too early, if an answer is still missing."""
        if not self.over.done():
            self._sender.told.errors += 1
            self.over.set_result(self._sender.next())

    def abort(self) -> None:
        """Wait no longer; the answer is missing, if one was waited for."""
        assert self._transport is not None
        self._transport.abort()

    def _end(self, following: Request | None) -> None:
        assert self._transport is not None
        self.over.set_result(following)
        self._transport.close()


async def replay(
    requests: Iterator[Request], port: int, connections: int, seconds: float, patience: float = PATIENCE_SECONDS
) -> Told:
    """Send them to that port of this machine. Raises OSError where nobody listens."""
    sender = Sender(requests, seconds)

    async def one() -> None:
        following = sender.next()
        while following is not None:
            begin = partial(Connection, sender, following)
            made = await asyncio.get_running_loop().create_connection(begin, "127.0.0.1", port)
            following = await _end_of(made[1], sender, patience)

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one())
    return sender.told


async def _end_of(connection: Connection, sender: Sender, patience: float) -> Request | None:
    """What `Connection.over` gives; a connection that is waited for while nothing else comes is given up."""
    while not connection.over.done():
        before = sender.told.done
        await asyncio.wait([connection.over], timeout=patience)
        if sender.told.done == before:
            connection.abort()
    return await connection.over


def main(arguments: list[str]) -> None:
    """Run; print what came of it."""
    port, connections, seconds, file = arguments
    requests = read(Path(file).read_bytes())
    told = uvloop.run(replay(requests, int(port), int(connections), float(seconds)))
    print(json.dumps(asdict(told)))


if __name__ == "__main__":
    main(sys.argv[1:])
