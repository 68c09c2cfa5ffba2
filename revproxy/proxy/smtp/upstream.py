"""An SMTP client towards one internal server: commands out, replies in, strictly in step.

Any anomaly (a reply too many, a greeting that is none, silence) is a PeerError, and the connection is of no further
use. Nothing here knows a client's session, a verdict or a record.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from revproxy.config.settings import ClientAddress, Upstream
from revproxy.errors import PeerClosed, PeerError, UpstreamError
from revproxy.model import Timeouts
from revproxy.protocols.smtp import Reply, ReplyReader
from revproxy.proxy.smtp.envelope import Client


class Wire(Protocol):
    """What we need of a stream. Each raises PeerClosed or PeerTimeout; seconds."""

    @property
    def buffered(self) -> int:
        """Bytes that have arrived and were not read."""

    async def read_some(self, timeout: float) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    async def drain(self, timeout: float) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Dialer(Protocol):
    """Opens connections to declared upstreams only."""

    async def dial(self, upstream: Upstream, timeout: float) -> Wire: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What the internal server said that it can do."""

    size: bool = False
    eightbit: bool = False
    utf8: bool = False
    pipelining: bool = False
    xclient: frozenset[bytes] = frozenset()


class MailClient:
    """A connection past its greeting. Make one with `connect`."""

    __slots__ = ("_reader", "_replies", "_timeouts", "_wire", "offer")

    def __init__(self, wire: Wire, timeouts: Timeouts) -> None:
        self._wire = wire
        self._timeouts = timeouts
        self._reader = ReplyReader()
        self._replies: list[Reply] = []
        self.offer = Offer()

    async def reply(self, seconds: float) -> Reply:
        """The next reply. PeerClosed when there will be none."""
        while not self._replies:
            data = await self._wire.read_some(seconds)
            if not data:
                raise PeerClosed("mail server closed")
            self._replies += self._reader.feed(data)
        return self._replies.pop(0)

    async def ask(self, *lines: bytes) -> list[Reply]:
        """Send the commands in one write, and wait for the reply to each."""
        self._unasked()
        self.send(b"".join(line + b"\r\n" for line in lines))
        return [await self.reply(self._timeouts.smtp_upstream) for _ in lines]

    def _unasked(self) -> None:
        """What came before its question is no answer to it, in whatever packet it came."""
        if self._replies or not self._reader.between or self._wire.buffered:
            raise UpstreamError("reply-unasked")

    def send(self, data: bytes) -> None:
        """Write, without waiting."""
        self._wire.write(data)

    async def send_message(self, pieces: Iterable[bytes]) -> Reply:
        """A message (with its end), after a 354, and its reply. Pieces are made while they are sent.

        A reply that is there before the message is none to it: UpstreamError.
        """
        for piece in pieces:
            self._unasked()
            self._wire.write(piece)
            await self._wire.drain(self._timeouts.write_stall)
            # `drain` does not always wait; nobody else waits for a whole message.
            await asyncio.sleep(0)
        return await self.reply(self._timeouts.smtp_upstream_data)

    async def hello(self, name: bytes) -> None:
        """EHLO, or HELO where that is not known; fills `offer`."""
        (reply,) = await self.ask(b"EHLO %b" % name)
        if reply.positive:
            self.offer = _offer(reply)
            return
        (reply,) = await self.ask(b"HELO %b" % name)
        if not reply.positive:
            raise UpstreamError("helo-refused")

    def quit(self) -> None:
        """Say goodbye and close; nobody waits for the answer."""
        try:
            self._wire.write(b"QUIT\r\n")
            self._wire.close()
        except PeerError:
            self._wire.abort()

    def abort(self) -> None:
        """Close at once."""
        self._wire.abort()


def _offer(reply: Reply) -> Offer:
    words = {line.split(b" ")[0].upper(): line.upper().split(b" ")[1:] for line in reply.lines[1:]}
    return Offer(
        size=b"SIZE" in words,
        eightbit=b"8BITMIME" in words,
        utf8=b"SMTPUTF8" in words,
        pipelining=b"PIPELINING" in words,
        xclient=frozenset(words.get(b"XCLIENT", ())),
    )


async def connect(
    dialer: Dialer, upstream: Upstream, hostname: str, client: Client | None, timeouts: Timeouts
) -> MailClient:
    """Dial, read the greeting, tell who the client is, say EHLO. PeerError when any of it fails.

    `client` None: a connection of our own (to learn what the server offers). A server that is configured to be told
    the client's address and does not take it is an error: it would judge the mail by ours.
    """
    wire = await dialer.dial(upstream, timeouts.connect)
    made = MailClient(wire, timeouts)
    try:
        if upstream.client_address is ClientAddress.PROXY:
            made.send(_proxy_line(client))
        if (await made.reply(timeouts.smtp_upstream)).code != 220:
            raise UpstreamError("greeting")
        await made.hello(hostname.encode("ascii"))
        if upstream.client_address is ClientAddress.XCLIENT and client is not None:
            await _xclient(made, client)
            # The session has begun anew, and is the client's: Postfix takes the name of this EHLO for its HELO.
            await made.hello(client.helo)
    except BaseException:
        made.abort()
        raise
    return made


def _proxy_line(client: Client | None) -> bytes:
    """PROXY protocol version 1: one line before anything else."""
    if client is None or not client.our_address:
        return b"PROXY UNKNOWN\r\n"
    ours, theirs = ipaddress.ip_address(client.our_address), ipaddress.ip_address(client.address)
    if ours.version != theirs.version:
        return b"PROXY UNKNOWN\r\n"
    family = 6 if theirs.version == 6 else 4
    line = f"PROXY TCP{family} {theirs} {ours} {client.port} {client.our_port}\r\n"
    return line.encode("ascii")


async def _xclient(made: MailClient, client: Client) -> None:
    """Postfix' XCLIENT; only attributes that the server named."""
    known = made.offer.xclient
    if b"ADDR" not in known:
        raise UpstreamError("xclient-not-offered")
    address = f"IPV6:{client.address}" if ":" in client.address else client.address
    values = {
        b"NAME": b"[UNAVAILABLE]",
        b"ADDR": address.encode("ascii"),
        b"PORT": b"%d" % client.port,
        b"PROTO": b"ESMTP" if client.extended else b"SMTP",
        # xtext (RFC 3461, 4): the grammar of HELO allows nothing that would need escaping.
        b"HELO": client.helo,
    }
    words = [b"%b=%b" % (name, value) for name, value in values.items() if name in known]
    (reply,) = await made.ask(b"XCLIENT " + b" ".join(words))
    if reply.code != 220:
        raise UpstreamError("xclient-refused")
