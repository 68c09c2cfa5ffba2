"""The client of the benchmark finds the end of every kind of answer, counts statuses, sends each request once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.replay import Reader, Request, Told, read, replay, write

ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", False, 200, False),
    "nothing": (b"HTTP/1.1 403 Forbidden\r\ncontent-length:0\r\nconnection:close\r\n\r\n", False, 403, True),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n", False, 200, False),
    "to HEAD": (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", True, 200, False),
    "no body": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", False, 304, False),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False, 200, False),
}


@pytest.mark.parametrize(("data", "head_only", "status", "closes"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_taken_when_it_is_whole(data: bytes, head_only: bool, status: int, closes: bool) -> None:
    reader = Reader()
    for at in range(len(data) - 1):
        reader.feed(data[at : at + 1])
        assert reader.take(head_only) is None
    reader.feed(data[-1:])
    assert reader.take(head_only) == (status, closes)
    reader.feed(data)
    assert reader.take(head_only) == (status, closes)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    requests = [(200, b"one"), (0, b""), (403, bytes(70_000))]
    assert write(tmp_path / "file", iter(requests)) == 3
    assert list(read((tmp_path / "file").read_bytes())) == requests


@asynccontextmanager
async def server(answer: Callable[[bytes], bytes]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """(port, the requests that came); an answer with `close` in it ends the connection."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                came.append(await reader.readuntil(b"\r\n\r\n"))
                reply = answer(came[-1])
                writer.write(reply)
                if not reply or b"close" in reply:
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], came


def numbered(count: int) -> list[Request]:
    return [(403 if n % 3 == 0 else 200, f"GET /{n} HTTP/1.1\r\n\r\n".encode()) for n in range(count)]


async def test_each_request_is_sent_once_and_every_status_counted() -> None:
    def answer(request: bytes) -> bytes:
        refused = int(request.split()[1][1:]) % 3 == 0
        head = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n" if refused else b"HTTP/1.1 200 OK\r\n"
        return head + b"Content-Length: 2\r\n\r\nok"

    requests = numbered(30)
    async with server(answer) as (port, came):
        told = await replay(iter(requests), port, 4, 60.0)
    assert told == Told(done=30, wrong=0, errors=0, statuses={"200": 20, "403": 10})
    assert sorted(came) == sorted(raw for _, raw in requests)


async def test_other_statuses_and_missing_answers_are_told() -> None:
    def answer(request: bytes) -> bytes:
        return b"" if request.startswith(b"GET /7 ") else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async with server(answer) as (port, _):
        told = await replay(iter([*numbered(9), (0, b"GET /any HTTP/1.1\r\n\r\n")]), port, 1, 60.0)
    assert told == Told(done=9, wrong=3, errors=1, statuses={"200": 9})


async def test_an_answer_that_never_comes_is_given_up() -> None:
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        assert await replay(iter(numbered(2)), port, 1, 60.0, patience=0.05) == Told(errors=2)
        release.set()


async def test_nothing_is_sent_when_time_is_up() -> None:
    async with server(lambda _: b"") as (port, came):
        assert await replay(iter(numbered(9)), port, 2, 0.0) == Told()
    assert came == []
