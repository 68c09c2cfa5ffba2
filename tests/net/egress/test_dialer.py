"""Streams on sockets that a broker connected: plain, TLS from the first byte, STARTTLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from revproxy.config.settings import Address, Certificate, ListenerTls, Upstream, UpstreamTls
from revproxy.errors import PeerTimeout, UpstreamError
from revproxy.net.dialer import starttls
from revproxy.net.egress.client import EgressClient
from revproxy.net.egress.dialer import BrokerDialer
from revproxy.net.egress.service import Broker
from revproxy.net.egress.targets import Kind, Target, upstream_target
from revproxy.net.stream import Stream
from revproxy.net.tls import server_context


@pytest.fixture
async def inside() -> AsyncIterator[Any]:
    """`await inside(context)`: an internal server's address, and its ends of connections as they come."""
    loop = asyncio.get_running_loop()
    closing: list[Any] = []
    streams: list[Stream] = []

    async def start(context: ssl.SSLContext | None) -> tuple[Address, asyncio.Queue[Stream]]:
        made: asyncio.Queue[Stream] = asyncio.Queue()

        def factory() -> Stream:
            streams.append(Stream(loop, made.put_nowait))
            return streams[-1]

        server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context)
        closing.append(server)
        return Address(*server.sockets[0].getsockname()), made

    yield start
    for server in closing:
        server.close()
    for stream in streams:
        stream.abort()
    await asyncio.sleep(0.01)


@pytest.fixture
async def dialer() -> AsyncIterator[Any]:
    """`dialer(upstream, ...)`: one on a broker that knows these upstreams."""
    closing: list[Any] = []

    def start(*upstreams: Upstream) -> BrokerDialer:
        targets = [Target(upstream_target(u.name), Kind.TCP, u.address.host, u.address.port, 9) for u in upstreams]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client, broker = EgressClient(ours, [target.name for target in targets]), Broker(targets, 9, lambda *_: None)
        closing.extend((client, broker))
        client.start()
        broker.add(theirs, 1)
        return BrokerDialer(upstreams, client)

    yield start
    for one in closing:
        one.close()
    await asyncio.sleep(0)


def context_of(certificates: Any, *names: str) -> ssl.SSLContext:
    return server_context(ListenerTls((Certificate(*certificates.issue(*names)),)))


async def test_plain(inside: Any, dialer: Any) -> None:
    address, made = await inside(None)
    upstream = Upstream("web", address)
    stream = await dialer(upstream).dial(upstream, 5)
    stream.write(b"hello")
    theirs = await made.get()
    assert await theirs.read_some(5) == b"hello"
    theirs.write(b"back")
    assert await stream.read_some(5) == b"back"
    stream.abort()


async def test_tls_is_verified_here(inside: Any, dialer: Any, certificates: Any) -> None:
    address, made = await inside(context_of(certificates, "web.internal"))
    upstream = Upstream("web", address, UpstreamTls(certificates.ca, "web.internal"))
    stream = await dialer(upstream).dial(upstream, 5)
    theirs = await made.get()
    assert theirs.tls.sni == "web.internal"
    assert stream.tls is not None
    stream.abort()
    other = Upstream("web", address, UpstreamTls(certificates.ca, "other.internal"))
    with pytest.raises(UpstreamError, match="TLS"):
        await dialer(other).dial(other, 5)


async def test_starttls(inside: Any, dialer: Any, certificates: Any) -> None:
    address, made = await inside(None)
    upstream = Upstream("mail", address)
    stream = await dialer(upstream).dial(upstream, 5)
    theirs = await made.get()
    secure = BrokerDialer([Upstream("mail", address, UpstreamTls(certificates.ca))], stream).context(upstream)
    assert secure is not None
    await asyncio.gather(
        starttls(theirs, context_of(certificates, "mail.internal"), None, 5),
        starttls(stream, secure, "mail.internal", 5),
    )
    stream.write(b"EHLO\r\n")
    assert await theirs.read_some(5) == b"EHLO\r\n"
    stream.abort()


async def test_refused_and_silent(dialer: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = Upstream("web", Address(*closed.getsockname()))
    with pytest.raises(UpstreamError, match="web: Connection refused"):
        await dialer(nobody).dial(nobody, 5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = Upstream("web", Address(*silent.getsockname()), UpstreamTls())
        with pytest.raises(PeerTimeout):
            await dialer(mute).dial(mute, 0.2)
