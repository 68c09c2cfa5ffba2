"""Requests go out when they are due, and their times begin then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from bench.paced import Paced, paced

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        while await reader.readline() != b"\r\n":
            pass
        writer.write(ANSWER)
    writer.close()


async def test_ordinary_and_hostile_ones_are_told_apart() -> None:
    async with serving(_answers) as port:
        told = await paced([(200, GET), (0, GET), (403, GET)], port, 1000.0)
    assert (len(told.ordinary), len(told.hostile), told.wrong, told.errors) == (2, 1, 1, 0)
    assert all(0 < took < 5 for took in (*told.ordinary, *told.hostile))


async def test_they_do_not_wait_for_answers() -> None:
    came = 0
    everyone = asyncio.Event()

    async def only_together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        await reader.readuntil(b"\r\n\r\n")
        came += 1
        if came == 3:
            everyone.set()
        await everyone.wait()
        writer.write(ANSWER)
        writer.close()

    async with serving(only_together) as port:
        told = await paced([(200, GET)] * 3, port, 1000.0)
    assert len(told.ordinary) == 3


async def test_one_without_an_answer_is_told() -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(hangs_up) as port:
        told = await paced([(200, GET)], port, 1000.0, patience=5.0)
    assert told == Paced(errors=1, late=told.late)
