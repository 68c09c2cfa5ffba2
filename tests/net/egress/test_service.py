"""A worker gets connections to what is declared and to nothing else, its share of them, and only its own."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from revproxy.net.egress import service
from revproxy.net.egress.service import Broker
from revproxy.net.egress.targets import Kind, Target
from revproxy.net.egress.wire import MOST_BYTES, Answer, Request, Status, read_answer, write_request

SECONDS = 5.0


async def turn() -> None:
    await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    """Give the loop turns until it is so."""
    async with asyncio.timeout(SECONDS):
        while not true():
            await turn()


class Worker:
    """A worker's end of its socket, used as a compromised one could."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock

    def ask(self, number: int, target: int = 0, milliseconds: int = 5000) -> None:
        self.sock.send(write_request(Request(number, target, milliseconds)))

    async def readable(self) -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.sock.fileno(), ready.set)
        try:
            async with asyncio.timeout(SECONDS):
                await ready.wait()
        finally:
            loop.remove_reader(self.sock.fileno())

    async def answer(self) -> tuple[Answer, socket.socket | None]:
        await self.readable()
        data, descriptors, _, _ = socket.recv_fds(self.sock, MOST_BYTES + 1, 1)
        return read_answer(data), socket.socket(fileno=descriptors[0]) if descriptors else None

    async def status(self) -> Status:
        answer, sock = await self.answer()
        if sock is not None:
            sock.close()
        return answer.status


class Hire:
    """`hire(most=...)`: a worker of the one broker; `gone` are those that it does not serve any more."""

    def __init__(self, targets: list[Target]) -> None:
        self.gone: list[tuple[int, bool]] = []
        self.ends: list[socket.socket] = []
        self.broker: Broker | None = None
        self._targets = targets

    def __call__(self, most: int = 100) -> Worker:
        if self.broker is None:
            self.broker = Broker(self._targets, most, lambda worker, broken: self.gone.append((worker, broken)))
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ends.append(theirs)
        self.broker.add(ours, len(self.ends))
        return Worker(theirs)


@pytest.fixture
async def hire(listening: socket.socket) -> AsyncIterator[Hire]:
    port = listening.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    made = Hire(
        [
            Target("upstream web", Kind.TCP, "127.0.0.1", port, 3),
            Target("upstream none", Kind.TCP, "127.0.0.1", closed, 4),
            Target("syslog", Kind.UDP, "127.0.0.1", port, 4),
            Target("upstream out", Kind.TCP, "127.0.0.1", port, 4, ("10.0.0.0/8",)),
            Target("upstream name", Kind.TCP, "nowhere.invalid", port, 4),
        ]
    )
    yield made
    if made.broker is not None:
        made.broker.close()
    for end in made.ends:
        end.close()
    await asyncio.sleep(0)


async def test_the_first_word_is_that_a_broker_begins(hire: Hire) -> None:
    assert await hire().answer() == (Answer(0, Status.ANEW), None)


async def test_a_connected_socket(hire: Hire, listening: socket.socket) -> None:
    worker = hire()
    await worker.answer()
    worker.ask(7)
    answer, sock = await worker.answer()
    assert answer == Answer(7, Status.CONNECTED)
    assert sock is not None
    theirs, _ = listening.accept()
    with sock, theirs:
        assert not os.get_blocking(sock.fileno())
        sock.send(b"hello")
        assert theirs.recv(10) == b"hello"
        sock.close()
        assert theirs.recv(10) == b"", "nobody else holds it"


@pytest.mark.parametrize(
    ("target", "status"),
    [(1, Status.REFUSED), (3, Status.OUTSIDE), (4, Status.UNRESOLVED), (5, Status.UNKNOWN), (0xFFFF, Status.UNKNOWN)],
)
async def test_what_cannot_be_had(hire: Hire, target: int, status: Status) -> None:
    worker = hire()
    await worker.answer()
    worker.ask(1, target)
    answer, sock = await worker.answer()
    assert (answer.number, answer.status, sock) == (1, status, None)


async def test_datagrams_go_to_the_target(hire: Hire, listening: socket.socket) -> None:
    worker = hire()
    await worker.answer()
    worker.ask(1, 2)
    _, sock = await worker.answer()
    assert sock is not None
    with sock:
        assert sock.type == socket.SOCK_DGRAM
        assert sock.getpeername() == listening.getsockname()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers a connect."""

    async def connect(*_: object) -> socket.socket:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(service, "connected", connect)


@pytest.mark.usefixtures("silent")
async def test_it_ends_when_the_worker_said(hire: Hire) -> None:
    worker = hire()
    await worker.answer()
    worker.ask(1, milliseconds=20)
    assert await worker.status() is Status.LATE


@pytest.mark.usefixtures("silent")
async def test_each_target_has_a_cap_of_its_own(hire: Hire) -> None:
    worker, other = hire(), hire()
    for each in (worker, other):
        await each.answer()
    for number in range(1, 5):
        worker.ask(number)
    assert await worker.answer() == (Answer(4, Status.BUSY), None)
    worker.ask(5, 1, 20)
    assert await worker.answer() == (Answer(5, Status.LATE), None), "a target that is silent holds up no other"
    other.ask(1, 0, 20)
    assert await other.answer() == (Answer(1, Status.LATE), None), "nor another worker"


@pytest.mark.usefixtures("silent")
async def test_all_targets_together_have_one(hire: Hire) -> None:
    worker = hire(most=2)
    await worker.answer()
    for number, target in enumerate((0, 1, 2), 1):
        worker.ask(number, target)
    assert await worker.answer() == (Answer(3, Status.BUSY), None)


@pytest.mark.parametrize("data", [b"x", b"Q" * MOST_BYTES, b"\x51" + bytes(14), b"A" * 4096])
async def test_whoever_breaks_the_wire_is_not_served_any_more(hire: Hire, data: bytes) -> None:
    worker, other = hire(), hire()
    for each in (worker, other):
        await each.answer()
    worker.sock.send(data)
    await worker.readable()
    assert worker.sock.recv(1) == b""
    assert hire.gone == [(1, True)]
    other.ask(1)
    assert await other.status() is Status.CONNECTED


async def test_a_descriptor_that_is_sent_to_it_is_not_received(hire: Hire) -> None:
    worker = hire()
    await worker.answer()
    before = len(os.listdir("/proc/self/fd"))
    reading, writing = os.pipe()
    socket.send_fds(worker.sock, [write_request(Request(1, 5, 10))], [writing])
    os.close(writing)
    assert await worker.status() is Status.UNKNOWN
    assert os.read(reading, 1) == b"", "nobody holds the other end"
    os.close(reading)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_who_takes_no_answers_is_not_heard_and_holds_up_nobody(hire: Hire) -> None:
    deaf, other = hire(), hire()
    await other.answer()
    asked = 0
    async with asyncio.timeout(SECONDS):
        for _ in range(100):
            try:
                while True:
                    deaf.ask(asked + 1, 9)
                    asked += 1
            except BlockingIOError:
                await asyncio.sleep(0)
    other.ask(1)
    assert await other.status() is Status.CONNECTED
    assert asked < 2000, "what waits is bounded by both queues"
    statuses = [(await deaf.answer())[0].status for _ in range(asked + 1)]
    assert set(statuses) == {Status.ANEW, Status.UNKNOWN}, "once it reads, it is heard again"


async def test_what_is_not_taken_in_time_is_forgotten(hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ANSWER_SECONDS", 0.02)
    worker = hire()
    await worker.answer()
    for number in range(1, 4):
        worker.ask(number)
    for _ in range(3):
        assert await worker.status() is Status.CONNECTED
    monkeypatch.setattr(service.socket, "send_fds", _full)
    worker.ask(4)
    assert hire.broker is not None
    broker = hire.broker
    await until(lambda: not broker.idle)
    await until(lambda: broker.idle)
    monkeypatch.undo()
    worker.ask(5)
    answer, sock = await worker.answer()
    assert answer.number == 5
    assert sock is not None
    sock.close()


def _full(*_: object) -> int:
    raise BlockingIOError


async def test_a_worker_that_leaves_takes_its_requests_along(hire: Hire, silent: None) -> None:
    worker = hire()
    await worker.answer()
    worker.ask(1)
    worker.sock.close()
    await until(lambda: bool(hire.gone))
    assert hire.gone == [(1, False)]


async def test_a_second_address_has_its_chance(listening: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()
    places = [(socket.AF_INET, closed), (socket.AF_INET, listening.getsockname())]
    with await service.connected(Kind.TCP, places, 1.0) as sock:
        assert sock.getpeername() == listening.getsockname()
    with pytest.raises(ConnectionRefusedError):
        await service.connected(Kind.TCP, places[:1], 1.0)
