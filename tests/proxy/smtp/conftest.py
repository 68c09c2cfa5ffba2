"""A mail front on loopback with a scripted internal server behind it, and a client that speaks line by line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from revproxy.audit import Metrics
from revproxy.config.settings import (
    Address,
    Listener,
    ListenerKind,
    ListenerTls,
    Mail,
    MailDomain,
    Mode,
    Settings,
    Upstream,
)
from revproxy.detection.rules import Exclusion
from revproxy.inspection import Policy
from revproxy.model import ALLOWED, Action, ContentLimits, Fields, Limits, Phase, Transaction, Verdict
from revproxy.net import DirectDialer
from revproxy.proxy.smtp import SmtpFront

SECONDS = 10.0
"""Longer than anything here takes: a test that hangs fails."""


@dataclass
class Inside:
    """An internal mail server that does what its script says.

    `script[verb]` is a reply, or a list of them (the last stays); `drop` is a point at which it closes instead of
    answering: a verb, or "." for the end of data. `extensions` are the lines of its EHLO.
    """

    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES")
    script: dict[str, Any] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)
    lines: list[bytes] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0
    hold: asyncio.Event | None = None
    """When set, the reply to a message waits for it."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()

    def _reply(self, verb: str, usual: str) -> bytes:
        told = self.script.get(verb, usual)
        if isinstance(told, list):
            told = told.pop(0) if len(told) > 1 else told[0]
        return told.encode() + b"\r\n"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, _Drop):
            if "PROXY" in self.script:
                self.lines.append((await reader.readline()).rstrip())
            writer.write(self._reply("greeting", "220 mail.inside.example ESMTP"))
            while True:
                await self._command(reader, writer)
        writer.close()
        self.gone.set()

    async def _command(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readuntil(b"\r\n")
        self.lines.append(line[:-2])
        verb = line[:-2].split(b" ")[0].decode().upper()
        if verb in self.drop:
            raise _Drop
        if verb == "EHLO" and "EHLO" not in self.script:
            lines = ["mail.inside.example", *self.extensions]
            text = [f"250-{one}" for one in lines[:-1]] + [f"250 {lines[-1]}"]
            writer.write("\r\n".join(text).encode() + b"\r\n")
            return
        usual = {"DATA": "354 go", "QUIT": "221 bye", "XCLIENT": "220 again"}.get(verb, "250 2.1.5 Ok")
        reply = self._reply(verb, usual)
        writer.write(reply)
        if verb == "QUIT":
            raise _Drop
        if reply.startswith(b"354"):
            await self._message(reader, writer)

    async def _message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "data" in self.drop:
            await reader.read(10)
            raise _Drop
        message = bytearray()
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            message += line[1:] if line.startswith(b".") else line
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        if "." in self.drop:
            raise _Drop
        reply = self._reply(".", "250 2.0.0 Ok: queued as 4F7A2 on mail.inside.example")
        if reply.startswith(b"2"):
            self.messages.append(bytes(message))
        writer.write(reply)


class _Drop(Exception):
    pass


class Judge:
    """EVIL is denied, MAYBE deferred, DROP dropped; nothing else is looked at."""

    set_name = "test-set"

    def __init__(self) -> None:
        self.seen: list[Transaction] = []
        self.began = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def inspect(
        self, transaction: Transaction, first: Phase, last: Phase, policy: Policy, size: int = 0
    ) -> Verdict:
        self.seen.append(transaction)
        self.began.set()
        if self.hold is not None:
            await self.hold.wait()
        text = transaction.fields.first("text")
        for word, action in ((b"EVIL", Action.DENY), (b"MAYBE", Action.DEFER), (b"DROP", Action.DROP)):
            if word in text:
                return Verdict(action, 5, "score", policy.enforces)
        return ALLOWED


class Records:
    """Keeps records instead of writing them."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.findings: list[bytes] = []
        self.access = self.lines.append
        self.audit = self.findings.append
        self.errors: list[bytes] = []
        self.error: Callable[[bytes], None] | None = self.errors.append

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


class Client:
    """An SMTP client without opinions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """The next reply, lines parted by newlines; empty at the end."""
        lines = []
        async with asyncio.timeout(SECONDS):
            while line := await self.reader.readline():
                assert line.endswith(b"\r\n")
                lines.append(line[:-2].decode("ascii"))
                if line[3:4] != b"-":
                    break
        return "\n".join(lines)

    async def send(self, data: bytes) -> str:
        self.writer.write(data)
        await self.writer.drain()
        return await self.reply()

    async def say(self, *lines: str) -> list[str]:
        """One command after the other; the replies."""
        return [await self.send(line.encode() + b"\r\n") for line in lines]

    async def hello(self) -> str:
        await self.reply()
        return (await self.say("EHLO client.example"))[0]

    async def envelope(self, *recipients: str) -> list[str]:
        return await self.say(
            "MAIL FROM:<a@out.example>", *[f"RCPT TO:<{r}>" for r in recipients or ("b@one.example",)]
        )

    async def message(self, body: bytes = b"Subject: x\r\n\r\nhello\r\n") -> str:
        """DATA and a message; its reply."""
        assert (await self.say("DATA")) == ["354 End data with <CR><LF>.<CR><LF>"]
        return await self.send(body + b".\r\n")

    async def deliver(self, body: bytes = b"Subject: x\r\n\r\nhello\r\n", *recipients: str) -> str:
        assert all(r.startswith("250") for r in await self.envelope(*recipients))
        return await self.message(body)

    async def ended(self) -> bool:
        async with asyncio.timeout(SECONDS):
            try:
                return not await self.reader.read(1)
            except ConnectionError:
                return True

    def reset(self) -> None:
        """Leave at once and for good (RST; a mere FIN could be a client that waits for its reply)."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@dataclass
class Bench:
    """Everything that a test touches."""

    front: SmtpFront
    inside: Inside
    other: Inside
    judge: Judge
    records: Records
    metrics: Metrics
    port: int
    clients: list[Client] = field(default_factory=list)

    async def client(self, context: ssl.SSLContext | None = None) -> Client:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname="mx.example" if context else None
        )
        made = Client(reader, writer)
        self.clients.append(made)
        return made

    async def ready(self) -> Client:
        """A client past EHLO."""
        made = await self.client()
        await made.hello()
        return made

    async def quiet(self) -> None:
        """Until no session and no delivery is left."""
        assert await self.front.drained(SECONDS)


def fill(fields: Fields, content: bytes, _limits: ContentLimits) -> None:
    fields.put("text", (content,))


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def bench() -> AsyncIterator[Make]:
    """`await bench(limits=..., one=Upstream changes, tls=context, starttls=...)`."""
    made: list[tuple[Bench, asyncio.Server]] = []

    async def make(
        limits: Limits | None = None,
        one: dict[str, Any] | None = None,
        mode: Mode = Mode.ENFORCE,
        tls: ssl.SSLContext | None = None,
        starttls: bool = True,
        domains: bool = True,
        drain_seconds: float = 60.0,
        excluded: Mapping[str, Sequence[Exclusion]] | None = None,
    ) -> Bench:
        inside, other = Inside(), Inside()
        await inside.start()
        await other.start()
        upstreams = (
            replace(Upstream("one", Address("127.0.0.1", inside.port)), **(one or {})),
            Upstream("two", Address("127.0.0.1", other.port)),
        )
        listener = Listener(
            "mx",
            ListenerKind.SMTP,
            Address("127.0.0.1", 0),
            tls=ListenerTls((), starttls=starttls) if tls is not None else None,
        )
        mail = Mail(
            "mx.example",
            (
                MailDomain("One.Example", "one", mode),
                MailDomain("also-one.example", "one", mode),
                MailDomain("lax.example", "one", Mode.DETECT),
                MailDomain("two.example", "two", mode),
            )
            if domains
            else (),
        )
        settings = Settings((listener,), upstreams, mail=mail, limits=limits or Limits(), drain_seconds=drain_seconds)
        judge, records, metrics = Judge(), Records(), Metrics()
        front = SmtpFront(
            settings,
            listener,
            judge,
            records,
            metrics,
            DirectDialer(upstreams),
            fill=fill,
            tls=tls,
            clock=lambda: 1_700_000_000.0,
            excluded=excluded or {},
        )
        server = await asyncio.get_running_loop().create_server(
            front.protocol_factory, "127.0.0.1", 0, ssl=tls if tls is not None and not starttls else None
        )
        port = server.sockets[0].getsockname()[1]
        built = Bench(front, inside, other, judge, records, metrics, port)
        made.append((built, server))
        return built

    yield make
    for built, server in made:
        server.close()
        built.judge.hold = None
        for client in built.clients:
            await client.close()
        built.front.close()
        await built.front.drained(SECONDS)
        for one in (built.inside, built.other):
            if one.hold is not None:
                one.hold.set()
            await one.stop()
