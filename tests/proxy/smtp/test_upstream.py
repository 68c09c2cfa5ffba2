"""The client towards the inside: telling it who the client is, and replies that are no replies."""

from __future__ import annotations

import asyncio

import pytest

from revproxy.config.settings import Address as Place
from revproxy.config.settings import ClientAddress, Upstream
from revproxy.errors import PeerClosed, PeerError, UpstreamError
from revproxy.model import Timeouts
from revproxy.proxy.smtp.envelope import Client
from revproxy.proxy.smtp.upstream import MailClient, connect

ME = Client("192.0.2.9", 4321, "192.0.2.1", 25, b"client.example", True)


class Wire:
    """A server's side as a list of what it says, and what it was told."""

    def __init__(self, *says: bytes) -> None:
        self.says = list(says)
        self.told = b""
        self.ended = ""

    async def read_some(self, timeout: float) -> bytes:
        await asyncio.sleep(0)
        return self.says.pop(0) if self.says else b""

    def write(self, data: bytes) -> None:
        self.told += data

    buffered = 0

    async def drain(self, timeout: float) -> None:
        pass

    def close(self) -> None:
        self.ended = "close"

    def abort(self) -> None:
        self.ended = "abort"


class Dialer:
    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def dial(self, upstream: Upstream, timeout: float) -> Wire:
        return self.wire


async def connected(wire: Wire, how: ClientAddress = ClientAddress.NONE, client: Client | None = ME) -> MailClient:
    upstream = Upstream("one", Place("127.0.0.1", 25), client_address=how)
    return await connect(Dialer(wire), upstream, "mx.example", client, Timeouts())


async def test_hello():
    wire = Wire(b"220 hi\r\n", b"250-me\r\n250-SIZE 1\r\n250-smtputf8\r\n250 8BITMIME\r\n")
    made = await connected(wire)
    assert (made.offer.size, made.offer.eightbit, made.offer.utf8, made.offer.pipelining) == (True, True, True, False)
    assert wire.told == b"EHLO mx.example\r\n"
    made.quit()
    assert wire.told.endswith(b"QUIT\r\n")
    assert wire.ended == "close"


async def test_xclient():
    wire = Wire(
        b"220 hi\r\n", b"250-me\r\n250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN\r\n", b"220 again\r\n", b"250 me\r\n"
    )
    await connected(wire, ClientAddress.XCLIENT)
    assert wire.told.split(b"\r\n") == [
        b"EHLO mx.example",
        b"XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.9 PORT=4321 PROTO=ESMTP HELO=client.example",
        b"EHLO client.example",
        b"",
    ]


async def test_xclient_over_ipv6():
    wire = Wire(b"220 hi\r\n", b"250-me\r\n250 XCLIENT ADDR\r\n", b"220 again\r\n", b"250 me\r\n")
    await connected(wire, ClientAddress.XCLIENT, Client("2001:db8::9", 1, "2001:db8::1", 25, b"x", True))
    assert b"\r\nXCLIENT ADDR=IPV6:2001:db8::9\r\n" in wire.told


@pytest.mark.parametrize(
    ("client", "line"),
    [
        (ME, b"PROXY TCP4 192.0.2.9 192.0.2.1 4321 25\r\n"),
        (Client("2001:db8::9", 1, "2001:db8::1", 25), b"PROXY TCP6 2001:db8::9 2001:db8::1 1 25\r\n"),
        (Client("192.0.2.9", 1, "2001:db8::1", 25), b"PROXY UNKNOWN\r\n"),
        (None, b"PROXY UNKNOWN\r\n"),
    ],
)
async def test_proxy(client, line):
    wire = Wire(b"220 hi\r\n", b"250 me\r\n")
    await connected(wire, ClientAddress.PROXY, client)
    assert wire.told == line + b"EHLO mx.example\r\n"


@pytest.mark.parametrize(
    ("says", "how"),
    [
        ([], ClientAddress.NONE),
        ([b"554 no\r\n"], ClientAddress.NONE),
        ([b"220 hi\r\n"], ClientAddress.NONE),
        ([b"220 hi\r\n220 again\r\n"], ClientAddress.NONE),
        ([b"220 hi\r\n", b"500 what\r\n", b"500 what\r\n"], ClientAddress.NONE),
        ([b"220 hi\r\n", b"250 me\r\n"], ClientAddress.XCLIENT),
        ([b"220 hi\r\n", b"250-me\r\n250 XCLIENT ADDR\r\n", b"550 not you\r\n"], ClientAddress.XCLIENT),
        ([b"SSH-2.0-x\r\n"], ClientAddress.NONE),
    ],
)
async def test_servers_that_are_none(says, how):
    wire = Wire(*says)
    with pytest.raises(PeerError):
        await connected(wire, how)
    assert wire.ended == "abort"


async def test_a_reply_too_many_is_noticed():
    wire = Wire(b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n250 ok\r\n")
    made = await connected(wire)
    await made.ask(b"NOOP")
    with pytest.raises(UpstreamError, match="unasked"):
        await made.ask(b"NOOP")
    made = await connected(Wire(b"220 hi\r\n", b"250 me\r\n", b"354 go\r\n250 ok\r\n"))
    await made.ask(b"DATA")
    with pytest.raises(UpstreamError, match="unasked"):
        await made.send_message([b"x"])
    made = await connected(Wire(b"220 hi\r\n", b"250 me\r\n"))
    with pytest.raises(PeerClosed):
        await made.send_message([b"x"])
        await made.reply(1)
        await made.reply(1)


async def test_a_reply_while_the_message_is_sent_is_none_to_it():
    wire = Wire(b"220 hi\r\n", b"250 me\r\n", b"354 go\r\n", b"250 ok\r\n")
    made = await connected(wire)
    await made.ask(b"DATA")

    def pieces():
        yield b"x"
        wire.buffered = 8
        yield b".\r\n"

    with pytest.raises(UpstreamError, match="unasked"):
        await made.send_message(pieces())
    assert wire.told.endswith(b"DATA\r\nx")
