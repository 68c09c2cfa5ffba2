"""How answers are framed, when a connection may be used again, and a client that takes its time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Sequence

import pytest
from harness import Kept, get, limited

from revproxy.audit import Metrics
from revproxy.errors import PeerClosed, PeerTimeout
from revproxy.inspection import Inspection
from revproxy.model import Limits
from revproxy.net import Budget, Spool, Stream
from revproxy.protocols.http1 import parse_request
from revproxy.proxy.http import Recorder, Router, Site
from revproxy.proxy.http.carrier import Http1Carrier
from revproxy.proxy.http.message import Client, Line

CLIENT = Client("192.0.2.1", "192.0.2.1", b"http", "web")
OF_THE_INSIDE: list[Line] = [
    (b"Content-Type", b"text/plain"),
    (b"Content-Length", b"7"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Connection", b"X"),
    (b"Keep-Alive", b"timeout=5"),
    (b"Server", b"inside/1"),
]
"""Of these one line goes out as it is: the others are the driver's business, or nobody's."""
TYPE = b"Content-Type: text/plain\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CLOSE = b"Connection: close\r\n"


class Wire(asyncio.Transport):
    """What a carrier wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote = b""
        self.aborted = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.wrote += data

    def abort(self) -> None:
        self.aborted = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing ever waits here."""


class Unread:
    """A body of which nobody has read anything yet."""

    length = 3
    done = False

    def whole(self, most: int) -> bytes | None:
        return None

    async def arrive(self) -> None: ...

    async def read(self) -> bytes:
        self.done = True
        return b""


def site(limits: Limits | None = None) -> Site:
    """A site without routes."""
    made, memory = limits or Limits(), Budget("memory_bytes", 1)
    return Site(
        router=Router([]),
        inspection=Inspection([], "none", 5.0),
        limits=made,
        new_spool=lambda: Spool("", memory, 1, memory),
        memory=memory,
        new_id=lambda: "id",
        recorder=Recorder(Kept(), Metrics()),  # type: ignore[arg-type]
    )


async def carried(
    raw: bytes | None = None, *, body: Unread | None = None, keep: bool = True, of: Site | None = None
) -> tuple[Http1Carrier, Wire]:
    """A request, and what is written for it."""
    stream, wire = Stream(asyncio.get_running_loop()), Wire()
    stream.connection_made(wire)
    head = raw or get()
    return Http1Carrier(parse_request(head, Limits().http), len(head), body, stream, CLIENT, of or site(), keep), wire


def old(*lines: bytes) -> bytes:
    """A request of HTTP/1.0."""
    return b"\r\n".join([b"GET / HTTP/1.0", *lines, b"", b""])


def said(*waited_for: Awaitable[None] | None) -> None:
    assert waited_for == (None,) * len(waited_for), "there is nothing to wait for"


@pytest.mark.parametrize(
    ("raw", "status", "body", "wrote"),
    [
        (get(), 200, b"hello", OK + TYPE + b"Content-Length: 5\r\n\r\nhello"),
        (get(), 200, b"", OK + TYPE + b"Content-Length: 0\r\n\r\n"),
        (get(method=b"HEAD"), 200, b"", OK + TYPE + b"Content-Length: 7\r\n\r\n"),
        (get(method=b"HEAD"), 200, b"hello", OK + TYPE + b"Content-Length: 7\r\n\r\n"),
        (get(), 304, b"", b"HTTP/1.1 304 Not Modified\r\n" + TYPE + b"Content-Length: 7\r\n\r\n"),
        (get(), 204, b"", b"HTTP/1.1 204 No Content\r\n" + TYPE + b"\r\n"),
        (get(method=b"HEAD"), 204, b"", b"HTTP/1.1 204 No Content\r\n" + TYPE + b"\r\n"),
        (old(), 200, b"hello", OK + TYPE + b"Content-Length: 5\r\n" + CLOSE + b"\r\nhello"),
        (
            old(b"Connection: keep-alive"),
            200,
            b"hello",
            OK + TYPE + b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
        ),
    ],
)
async def test_an_answer_in_one_go(raw: bytes, status: int, body: bytes, wrote: bytes) -> None:
    carrier, wire = await carried(raw)
    said(carrier.whole(status, b"", OF_THE_INSIDE, body))
    assert (wire.wrote, carrier.sent) == (wrote, len(wrote))
    assert carrier.reusable is (CLOSE not in wrote)


@pytest.mark.parametrize(
    ("raw", "length", "wrote"),
    [
        (get(), 5, OK + TYPE + b"Content-Length: 5\r\n\r\nhello"),
        (get(), None, OK + TYPE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        (old(), None, OK + TYPE + CLOSE + b"\r\nhello"),
        # What HTTP/1.0 cannot frame ends with the connection, whatever the client asked for.
        (old(b"Connection: keep-alive"), None, OK + TYPE + CLOSE + b"\r\nhello"),
        (
            old(b"Connection: keep-alive"),
            5,
            OK + TYPE + b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
        ),
    ],
)
async def test_an_answer_in_pieces(raw: bytes, length: int | None, wrote: bytes) -> None:
    """A piece of nothing is no chunk: it would end the body."""
    carrier, wire = await carried(raw)
    reply = carrier.reply
    said(reply.begin(200, b"OK", OF_THE_INSIDE, length))
    said(*(reply.piece(data) for data in (b"he", b"", b"llo")), reply.end())
    assert (wire.wrote, reply.sent) == (wrote, len(wrote))
    assert carrier.reusable is (CLOSE not in wrote)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("why", ["draining", "unread", "last", "asked for", "nothing"])
async def test_when_the_connection_ends_with_an_answer(whole: bool, why: str) -> None:
    of = site()
    body = Unread() if why in ("unread", "nothing") else None
    carrier, wire = await carried(
        get(b"/", *([b"Connection: close"] if why == "asked for" else [])), body=body, keep=why != "last", of=of
    )
    # Both may come about after the request was read.
    of.draining = why == "draining"
    if body is not None and why == "nothing":
        await body.read()
    said(carrier.whole(200, b"", [], b"") if whole else carrier.begin(200, b"", [], None))
    ends = why != "nothing"
    assert (CLOSE in wire.wrote, carrier.reusable) == (ends, not ends)


async def test_an_answer_that_is_not_completed_is_noticed() -> None:
    carrier, wire = await carried()
    said(carrier.begin(200, b"", [], None), carrier.piece(b"hello"))
    carrier.abort()
    assert (wire.aborted, carrier.reusable) == (True, False)
    with pytest.raises(PeerClosed):
        carrier.end()
    assert not wire.wrote.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("field", [(b"X", b"a\r\nY: b"), (b"X", b"a\0"), (b"X\n", b"a")])
async def test_nothing_breaks_the_lines_of_a_head(field: Line) -> None:
    carrier, wire = await carried()
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        carrier.whole(200, b"", [field], b"")
    assert (wire.wrote, carrier.sent) == (b"", 0)


# A client that takes its time.


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Stream, Stream]]:
    """Two ends of a connection with little room in between: ours, and the client's, which is not read."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[Stream] = loop.create_future()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = await loop.create_server(lambda: Stream(loop, made.set_result), sock=listening)
        _, client = await loop.create_connection(lambda: Stream(loop), *listening.getsockname())
        ours = await made
        yield ours, client
        ours.abort()
        client.abort()
        server.close()
    await asyncio.sleep(0.01)


def slow(ours: Stream, limits: Limits | None = None) -> Http1Carrier:
    return Http1Carrier(parse_request(get(), Limits().http), 0, None, ours, CLIENT, site(limits), True)


async def read(client: Stream, size: int) -> bytes:
    data = bytearray()
    async with asyncio.timeout(10):
        while len(data) < size and (more := await client.read_some(10)):
            data += more
    return bytes(data)


@pytest.mark.parametrize("size", [8_000_000, 20_000_000])
async def test_who_waits_loses_nothing(pair: tuple[Stream, Stream], size: int) -> None:
    ours, client = pair
    carrier = slow(ours)
    pieces: Sequence[bytes] = [bytes((number,)) * (size // 8) for number in range(8)]
    said(carrier.begin(200, b"", [], size))
    waits = 0
    reading: asyncio.Task[bytes] | None = None
    for piece in pieces:
        waiting = carrier.piece(piece)
        if waiting is not None:
            waits += 1
            reading = reading or asyncio.ensure_future(read(client, carrier.sent + size))
            await waiting
    said(carrier.end())
    ours.close()
    assert waits
    assert reading is not None
    got = await reading
    assert len(got) == carrier.sent
    assert got.partition(b"\r\n\r\n")[2] == b"".join(pieces)


async def test_who_takes_nothing_is_cut_off(pair: tuple[Stream, Stream]) -> None:
    ours, _ = pair
    carrier = slow(ours, limited(timeouts={"write_stall": 0.2}))
    waiting = carrier.whole(200, b"", [], bytes(20_000_000))
    assert waiting is not None
    async with asyncio.timeout(10):
        with pytest.raises(PeerTimeout):
            await waiting
    assert not carrier.reusable


async def test_who_is_gone_is_told(pair: tuple[Stream, Stream]) -> None:
    ours, client = pair
    carrier = slow(ours)
    said(carrier.begin(200, b"", [], None))
    gone = asyncio.Event()
    ours.on_lost = lambda _: gone.set()
    client.abort()
    async with asyncio.timeout(10):
        await gone.wait()
    with pytest.raises(PeerClosed):
        carrier.piece(b"x")
    assert not carrier.reusable
