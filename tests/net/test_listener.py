"""Accepting: caps, refusals, handshakes that fail, draining."""

import asyncio
import errno
import socket
import ssl
import struct

import pytest

from revproxy.config.settings import Certificate, ListenerTls
from revproxy.model import Caps
from revproxy.net.caps import Connections
from revproxy.net.listener import StreamListener
from revproxy.net.stream import Stream
from revproxy.net.tls import server_context

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Issuer:
    """What `certificates` of conftest gives."""

    ca: str

    def issue(self, *names: str) -> tuple[str, str]: ...


async def echo(stream: Stream) -> None:
    while data := await stream.read_some(5):
        stream.write(data)


async def closed(connections: Connections) -> None:
    """Leases come back when the loop has seen the ends."""
    async with asyncio.timeout(5):
        while connections.total:  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(0.01)


async def test_served_and_drained(listening: socket.socket) -> None:
    connections = Connections(Caps())
    listener = StreamListener(listening, echo, connections)
    listener.start()
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    assert connections.total == len(listener.connections) == 1
    listener.stop_accepting()
    listener.stop_accepting()
    assert not await listener.drained(0.05)
    writer.write(b"again")
    assert await reader.readexactly(5) == b"again"
    writer.close()
    assert await listener.drained(5)
    await closed(connections)
    assert listening.fileno() >= 0


async def test_who_is_gone_before_it_can_be_asked_who_it_is_is_not_served(listening: socket.socket) -> None:
    connections = Connections(Caps())
    served: list[str] = []

    async def note(stream: Stream) -> None:
        served.append(stream.peer[0])
        await echo(stream)

    listener = StreamListener(listening, note, connections)
    listener.start()
    for _ in range(20):
        with socket.create_connection(listening.getsockname()) as gone:
            gone.sendall(b"hello")
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    assert served == ["127.0.0.1"]
    assert listener.acceptor.accepted == 21
    writer.close()
    await closed(connections)
    listener.stop_accepting()


async def test_what_is_left_is_cut_off(listening: socket.socket) -> None:
    listener = StreamListener(listening, echo, Connections(Caps()))
    listener.start()
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"x")
    await reader.readexactly(1)
    listener.stop_accepting()
    listener.abort()
    assert await listener.drained(5)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


async def test_over_the_cap_there_is_a_refusal_that_arrives(listening: socket.socket) -> None:
    connections = Connections(Caps(connections_per_address=1))
    listener = StreamListener(listening, echo, connections, refusal=REFUSAL)
    listener.start()
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"x")
    await reader.readexactly(1)
    for _ in range(5):
        other, sender = await asyncio.open_connection(*listening.getsockname())
        sender.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await other.read() == REFUSAL
        sender.close()
    assert (listener.acceptor.accepted, listener.acceptor.refused) == (1, 5)
    writer.close()
    await closed(connections)
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"
    writer.close()
    listener.stop_accepting()
    await listener.drained(5)


async def test_tls(listening: socket.socket, certificates: Issuer) -> None:
    context = server_context(ListenerTls((Certificate(*certificates.issue("www.example")),)))
    connections = Connections(Caps())
    seen = []

    async def note(stream: Stream) -> None:
        seen.append(stream.tls)
        await echo(stream)

    listener = StreamListener(listening, note, connections, context=context, handshake_timeout=0.2)
    listener.start()
    client = ssl.create_default_context(cafile=certificates.ca)
    client.set_alpn_protocols(["h2", "http/1.1"])
    reader, writer = await asyncio.open_connection(
        *listening.getsockname(), ssl=client, server_hostname="www.example"
    )
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    assert seen[0] is not None
    assert (seen[0].sni, seen[0].alpn) == ("www.example", "http/1.1")
    # One that says nothing and one that speaks no TLS: neither keeps its lease.
    _, silent = await asyncio.open_connection(*listening.getsockname())
    _, plain = await asyncio.open_connection(*listening.getsockname())
    plain.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(5):
        while listener.acceptor.failed_handshakes < 2:  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(0.01)
    assert connections.total == 1
    for one in (silent, plain, writer):
        one.close()
    listener.stop_accepting()
    listener.abort()
    await closed(connections)


async def test_a_coroutine_that_fails_is_reported_and_closed(listening: socket.socket) -> None:
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    async def broken(_: Stream) -> None:
        raise ValueError("bug")

    connections = Connections(Caps())
    listener = StreamListener(listening, broken, connections)
    listener.start()
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    assert await reader.read() == b""
    await closed(connections)
    assert [str(error) for error in reported] == ["bug"]
    writer.close()
    listener.stop_accepting()


async def test_without_descriptors_it_rests(listening: socket.socket) -> None:
    class Exhausted:
        calls = 0

        def fileno(self) -> int:
            return listening.fileno()

        def setblocking(self, flag: bool) -> None:
            listening.setblocking(flag)

        def listen(self, backlog: int) -> None:
            listening.listen(backlog)

        def accept(self) -> tuple[socket.socket, object]:
            self.calls += 1
            if self.calls == 1:
                raise OSError(errno.EMFILE, "too many open files")
            return listening.accept()

    sock = Exhausted()
    listener = StreamListener(sock, echo, Connections(Caps()))  # type: ignore[arg-type]
    listener.start()
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"x")
    assert await asyncio.wait_for(reader.readexactly(1), 5) == b"x"
    assert sock.calls <= 4
    writer.close()
    listener.stop_accepting()
    assert await listener.drained(5)
