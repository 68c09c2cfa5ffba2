"""A worker's requests are answered, end, and survive the broker that took them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import BinaryIO

import pytest

from revproxy.errors import PeerClosed, PeerTimeout, UpstreamError
from revproxy.net.egress.client import EgressClient
from revproxy.net.egress.wire import MOST_BYTES, Answer, Request, Status, read_request, write_answer

SECONDS = 5.0


class Broken:
    """The broker's end, moved by hand."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock

    async def request(self) -> Request:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.sock.fileno(), ready.set)
        try:
            async with asyncio.timeout(SECONDS):
                await ready.wait()
        finally:
            loop.remove_reader(self.sock.fileno())
        return read_request(self.sock.recv(MOST_BYTES + 1))

    def answer(self, answer: Answer, *descriptors: int) -> None:
        socket.send_fds(self.sock, [write_answer(answer)], list(descriptors))


@pytest.fixture
async def ends() -> AsyncIterator[tuple[EgressClient, Broken]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client = EgressClient(ours, ["upstream web", "upstream mail"])
    client.start()
    yield client, Broken(theirs)
    client.close()
    theirs.close()


@pytest.fixture
def null() -> Iterator[BinaryIO]:
    with open(os.devnull, "rb") as file:
        yield file


Ends = tuple[EgressClient, Broken]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_it_asks_by_number_and_gets_a_socket(ends: Ends) -> None:
    client, broker = ends
    asking = asyncio.create_task(client.ask("upstream mail", SECONDS))
    request = await broker.request()
    assert (request.target, request.milliseconds) == (1, 5000)
    ours, theirs = socket.socketpair()
    broker.answer(Answer(request.number, Status.CONNECTED), theirs.fileno())
    theirs.close()
    with ours, await asking as found:
        found.send(b"hello")
        assert ours.recv(10) == b"hello"
        assert not found.get_inheritable()


@pytest.mark.parametrize(
    ("status", "words"),
    [(Status.REFUSED, "Connection refused"), (Status.OUTSIDE, "networks"), (Status.BUSY, "too many")],
)
async def test_it_is_told_why_there_is_none(ends: Ends, status: Status, words: str) -> None:
    client, broker = ends
    asking = asyncio.create_task(client.ask("upstream web", SECONDS))
    broker.answer(Answer((await broker.request()).number, status, 111))
    with pytest.raises(UpstreamError, match=words):
        await asking


async def test_an_answer_without_its_socket_or_with_what_is_none(ends: Ends, null: BinaryIO) -> None:
    client, broker = ends
    for extra in ((), (null.fileno(),)):
        asking = asyncio.create_task(client.ask("upstream web", SECONDS))
        number = (await broker.request()).number
        broker.answer(Answer(number, Status.CONNECTED), *extra)
        with pytest.raises(UpstreamError, match="no socket"):
            await asking


async def test_what_nobody_waits_for_any_more_is_closed(ends: Ends) -> None:
    client, broker = ends
    with pytest.raises(PeerTimeout):
        await client.ask("upstream web", 0.01)
    late = await broker.request()
    before = descriptors()
    ours, theirs = socket.socketpair()
    broker.answer(Answer(late.number, Status.CONNECTED), theirs.fileno())
    theirs.close()
    asking = asyncio.create_task(client.ask("upstream web", SECONDS))
    broker.answer(Answer((await broker.request()).number, Status.LATE))
    with pytest.raises(UpstreamError):
        await asking
    assert ours.recv(1) == b""
    ours.close()
    assert descriptors() == before


async def test_a_socket_that_comes_while_its_asker_gives_up_is_closed(ends: Ends) -> None:
    client, broker = ends
    asking = asyncio.create_task(client.ask("upstream web", SECONDS))
    number = (await broker.request()).number
    before = descriptors()
    ours, theirs = socket.socketpair()
    broker.answer(Answer(number, Status.CONNECTED), theirs.fileno())
    theirs.close()
    client._readable()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ours.recv(1) == b""
    ours.close()
    assert descriptors() == before


async def test_a_new_broker_is_asked_again(ends: Ends) -> None:
    client, broker = ends
    asking = asyncio.create_task(client.ask("upstream web", SECONDS))
    lost = await broker.request()
    broker.answer(Answer(0, Status.ANEW))
    again = await broker.request()
    assert again == lost
    ours, theirs = socket.socketpair()
    broker.answer(Answer(again.number, Status.CONNECTED), theirs.fileno())
    with ours, theirs, await asking as found:
        assert found.fileno() >= 0


async def test_more_than_the_queue_holds_waits_its_turn(ends: Ends) -> None:
    client, broker = ends
    asking = [asyncio.create_task(client.ask("upstream web", SECONDS)) for _ in range(2000)]
    numbers = []
    for _ in asking:
        request = await broker.request()
        numbers.append(request.number)
        broker.answer(Answer(request.number, Status.LATE))
    assert len(set(numbers)) == len(asking)
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(one) for one in found} == {UpstreamError}


async def test_the_end_of_it(ends: Ends) -> None:
    client, broker = ends
    asking = asyncio.create_task(client.ask("upstream web", SECONDS))
    await broker.request()
    broker.sock.close()
    with pytest.raises(PeerClosed):
        await asking
    with pytest.raises(PeerClosed):
        await client.ask("upstream web", SECONDS)


async def test_a_thread_may_ask(ends: Ends) -> None:
    client, broker = ends
    asking = asyncio.create_task(asyncio.to_thread(client.ask_from_thread, "upstream web", SECONDS))
    broker.answer(Answer((await broker.request()).number, Status.REFUSED, 111))
    with pytest.raises(OSError, match="refused"):
        await asking
