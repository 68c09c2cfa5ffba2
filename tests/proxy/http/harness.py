"""An HTTP front on loopback, an internal server that does what its script says, and a client that speaks bytes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from revproxy.audit import Metrics
from revproxy.config import Mode
from revproxy.config.settings import Address, Listener, ListenerKind, Route, Upstream, UpstreamTls
from revproxy.detection.link import RuleSet, link
from revproxy.detection.rules import Condition, Operator, Rule, Target
from revproxy.inspection import Inspection, RuleInspector
from revproxy.model import Action, Limits, Phase, Protocol, Severity
from revproxy.net import Budget, Connections, DirectDialer, Pool, Spool
from revproxy.proxy.http import HttpFront, Recorder, Router, Site, way_of
from revproxy.proxy.ids import transaction_ids

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "codecs"))

from coders import TRANSFER_CODERS as TRANSFER_CODERS
from coders import coded as coded

SECONDS = 10.0
"""Longer than anything here takes: a test that hangs fails."""
HTTP = frozenset({Protocol.HTTP})


# Rules.


def rule(name: str, pattern: str, *fields: str, phase: Phase = Phase.BODY, score: int = 5, **more: Any) -> Rule:
    """A rule with one regular expression on some fields."""
    condition = Condition(tuple(Target(one) for one in fields), (Operator("rx", pattern),))
    return Rule(name, HTTP, phase, (condition,), Severity.CRITICAL, score, f"{name} matched", **more)


RULES = (
    rule(
        "value", "attack-[0-9]", "args", "args.names", "cookies", "path", "headers", "files", "xml", "xml.attributes"
    ),
    rule("content", "attack-[0-9]", "body", "files.content"),
    rule("broken", ".", "body.error"),
    rule("minor", "minor-[0-9]", "args", score=3),
    rule("early", "early-[0-9]", "args.get", phase=Phase.HEAD),
    rule("drop", "drop-[0-9]", "args.get", phase=Phase.HEAD, action=Action.DROP),
    rule("leak", "leak-[0-9]", "reply.body", phase=Phase.REPLY_BODY, score=4),
    rule("leak-head", "leak-[0-9]", "reply.headers", phase=Phase.REPLY_HEAD, score=4),
)


@functools.cache
def linked(rules: tuple[Rule, ...] = RULES) -> RuleSet:
    """Linked once for all tests."""
    return link(list(rules))


# The internal server.


@dataclass
class Asked:
    """A request as the internal server got it. `raw` is all of its bytes."""

    method: bytes
    target: bytes
    version: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes
    raw: bytes
    connection: int

    def get(self, name: bytes) -> bytes | None:
        """The only value of a field; a test that expects one fails on two."""
        values = self.all(name)
        assert len(values) <= 1, f"{name!r} stands {len(values)} times"
        return values[0] if values else None

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name]


Act = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Close:
    """Answer these bytes, then close."""

    data: bytes = b""


def ok(
    body: bytes = b"inside", content_type: bytes = b"text/plain", *lines: bytes, status: bytes = b"200 OK"
) -> bytes:
    """A clean answer."""
    head = [b"HTTP/1.1 " + status, b"Content-Type: " + content_type, b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Inside:
    """`script` holds what is done for each request, in order: bytes, Close, or a coroutine function (asked, writer);
    when it is used up, `usual` is done. Nothing is read ahead of an answer, so bytes that follow a request stay in
    `leftover` when the connection ends."""

    def __init__(self) -> None:
        self.script: list[bytes | Close | Act] = []
        self.usual: bytes | Close | Act = ok()
        self.requests: list[Asked] = []
        self.wire: list[bytearray] = []
        """What came on each connection."""
        self.ended: list[asyncio.Event] = []
        self.connections = 0
        self.head_only = False
        """Do not read bodies: a head is enough to answer."""
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int = 0, **more: Any) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 20, **more)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def received(self) -> bytes:
        """All bytes that ever reached the inside."""
        return b"".join(map(bytes, self.wire))

    async def arrived(self, number: int) -> Asked:
        """Wait until `number` requests came; the last of them."""
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= number)
        return self.requests[number - 1]

    async def saw(self, data: bytes) -> None:
        """Wait until these bytes came."""
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: data in self.received)

    async def left(self, connection: int = 0) -> None:
        """Wait until a connection has ended."""
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.ended) > connection)
            event = self.ended[connection]
        async with asyncio.timeout(SECONDS):
            await event.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.connections
        self.connections += 1
        self.wire.append(bytearray())
        ended = asyncio.Event()
        async with self._changed:
            self.ended.append(ended)
            self._changed.notify_all()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (asked := await self._read(reader, number)) is not None:
                async with self._changed:
                    self.requests.append(asked)
                    self._changed.notify_all()
                if not await self._act(asked, writer, reader, number):
                    break
        writer.close()
        ended.set()

    async def _act(
        self, asked: Asked, writer: asyncio.StreamWriter, reader: asyncio.StreamReader, number: int
    ) -> bool:
        step = self.script.pop(0) if self.script else self.usual
        if isinstance(step, Close):
            writer.write(step.data)
            return False
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
            return True
        # While it acts, somebody must notice that the other side ends.
        acting = asyncio.ensure_future(step(asked, writer))
        watching = asyncio.ensure_future(self._watch(reader, number))
        await asyncio.wait((acting, watching), return_when=asyncio.FIRST_COMPLETED)
        gone = watching.done() and not acting.done()
        for task in (acting, watching):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await task
        return not gone and not writer.is_closing()

    async def _watch(self, reader: asyncio.StreamReader, number: int) -> None:
        while data := await reader.read(65536):
            async with self._changed:
                self.wire[number] += data
                self._changed.notify_all()

    async def _read(self, reader: asyncio.StreamReader, number: int) -> Asked | None:
        wire = self.wire[number]
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            wire += error.partial
            return None
        wire += head
        line, *lines = head[:-4].split(b"\r\n")
        method, target, version = line.split(b" ")
        fields = [tuple(one.split(b": ", 1)) for one in lines]
        asked = Asked(method, target, version, fields, b"", head, number)  # type: ignore[arg-type]
        if not self.head_only:
            await self._read_body(reader, asked, wire)
        return asked

    async def _read_body(self, reader: asyncio.StreamReader, asked: Asked, wire: bytearray) -> None:
        async def take(size: int) -> bytes:
            try:
                data = await reader.readexactly(size)
            except asyncio.IncompleteReadError as error:
                wire.extend(error.partial)
                raise
            wire.extend(data)
            asked.raw += data
            return data

        if (length := asked.get(b"content-length")) is not None:
            asked.body = await take(int(length))
        elif asked.get(b"transfer-encoding") is not None:
            while True:
                line = b""
                while not line.endswith(b"\r\n"):
                    line += await take(1)
                piece = await take(int(line, 16) + 2)
                asked.body += piece[:-2]
                if len(piece) == 2:
                    return


# The client.


@dataclass
class Got:
    """An answer as the client got it; `interim` are the 1xx before it."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes
    raw: bytes
    complete: bool = True
    interim: list[int] = field(default_factory=list)

    def get(self, name: bytes) -> bytes | None:
        values = [value for key, value in self.fields if key.lower() == name]
        assert len(values) <= 1, f"{name!r} stands {len(values)} times"
        return values[0] if values else None


class Caller:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, method: bytes = b"GET") -> Got:
        """Read one answer to its end."""
        async with asyncio.timeout(SECONDS):
            interim: list[int] = []
            while True:
                head = await self.reader.readuntil(b"\r\n\r\n")
                line, *lines = head[:-4].split(b"\r\n")
                status = int(line.split(b" ")[1])
                if status >= 200:
                    break
                interim.append(status)
            fields = [(n, v) for n, _, v in (one.partition(b": ") for one in lines)]
            got = Got(status, fields, b"", head, interim=interim)
            await self._body(got, method)
            return got

    async def _body(self, got: Got, method: bytes) -> None:
        if method == b"HEAD" or got.status in (204, 304):
            return
        try:
            if got.get(b"transfer-encoding") is not None:
                assert got.get(b"content-length") is None
                got.body = await self._chunks()
            elif (length := got.get(b"content-length")) is not None:
                got.body = await self.reader.readexactly(int(length))
            else:
                got.body = await self.reader.read()
        except asyncio.IncompleteReadError as error:
            got.body, got.complete = error.partial, False
        except ConnectionError:
            got.complete = False

    async def _chunks(self) -> bytes:
        pieces = []
        while True:
            try:
                line = await self.reader.readuntil(b"\r\n")
                piece = await self.reader.readexactly(int(line, 16) + 2)
            except asyncio.IncompleteReadError as error:
                raise asyncio.IncompleteReadError(b"".join(pieces), None) from error
            assert piece.endswith(b"\r\n")
            pieces.append(piece[:-2])
            if len(piece) == 2:
                return b"".join(pieces)

    async def ask(self, data: bytes, method: bytes | None = None) -> Got:
        self.send(data)
        return await self.answer(method if method is not None else data.split(b" ", 1)[0])

    async def rest(self) -> bytes:
        """What comes until the connection ends."""
        async with asyncio.timeout(SECONDS):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def end(self) -> None:
        """End our side only."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Leave without a word: a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


# The front.


class Kept:
    """Records in memory (`audit.Records`)."""

    def __init__(self) -> None:
        self.access_lines: list[bytes] = []
        self.audit_lines: list[bytes] = []
        self.error_lines: list[bytes] = []
        self.error = self.error_lines.append
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def access(self, line: bytes) -> None:
        self.access_lines.append(line)
        task = asyncio.ensure_future(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def audit(self, line: bytes) -> None:
        self.audit_lines.append(line)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def record(self, number: int = 1) -> dict[str, Any]:
        """Wait for the access record of that number; it is JSON."""
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.access_lines) >= number)
        return json.loads(self.access_lines[number - 1])

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit_lines]


class World:
    """A front with one internal server behind it. `routes` defaults to one that takes everything."""

    def __init__(
        self,
        *,
        folder: str = "",
        limits: Limits | None = None,
        routes: Sequence[Route] = (Route("all", "web"),),
        rules: RuleSet | None = None,
        upstream: dict[str, Any] | None = None,
        trusted: tuple[str, ...] = (),
        inspection: Inspection | None = None,
        tls: Any = None,
    ) -> None:
        self.limits = limits or Limits()
        self.inside = Inside()
        self.records = Kept()
        self.metrics = Metrics()
        self.memory = Budget("memory_bytes", self.limits.caps.memory_bytes)
        self.disk = Budget("spool_bytes", self.limits.caps.spool_bytes)
        self.connections = Connections(self.limits.caps)
        self.spools: list[Spool] = []
        self._folder, self._routes, self._rules, self._trusted = folder, routes, rules, trusted
        self._more = upstream or {}
        self._inspection = inspection
        self._tls = tls
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.address = self.sock.getsockname()
        self._callers: list[Caller] = []

    async def start(self) -> None:
        if not self.inside.port:
            await self.inside.start()
        upstream = Upstream("web", Address("127.0.0.1", self.inside.port), **self._more)
        self.upstream = upstream
        self.pool = Pool(upstream, DirectDialer([upstream]), self.limits.timeouts)
        scheme = b"https" if isinstance(upstream.tls, UpstreamTls) else b"http"
        address = str(upstream.address).encode()
        ways = [
            (one, way_of(one, self.pool, self.limits, scheme + b"://" + address, address, 5, 4))
            for one in self._routes
        ]
        rules = self._rules or linked()
        self.inspector = RuleInspector(rules, 1 << 20)
        self.inspection = self._inspection or Inspection([self.inspector], rules.name, 5.0)
        self.site = Site(
            router=Router(ways),
            inspection=self.inspection,
            limits=self.limits,
            new_spool=self._spool,
            memory=self.memory,
            new_id=transaction_ids(),
            recorder=Recorder(self.records, self.metrics),  # type: ignore[arg-type]
        )
        listener = Listener("web", ListenerKind.HTTP, Address(*self.address), trusted_proxies=self._trusted)
        self.front = HttpFront(listener, self.site, self.connections, self._tls)
        self.front.start(self.sock, 64)

    def _spool(self) -> Spool:
        spool = Spool(self._folder, self.disk, self.limits.http.body_memory_bytes, self.memory)
        self.spools.append(spool)
        return spool

    async def call(self, **more: Any) -> Caller:
        """A new connection of a client."""
        caller = Caller(*await asyncio.open_connection(*self.address, limit=1 << 20, **more))
        self._callers.append(caller)
        return caller

    async def ask(self, data: bytes, method: bytes | None = None) -> Got:
        """One request on a connection of its own."""
        return await (await self.call()).ask(data, method)

    async def stop(self) -> None:
        for caller in self._callers:
            caller.close()
        self.front.stop_accepting()
        await self.front.drain(1.0)
        self.pool.close()
        self.inspector.close()
        await self.inside.stop()
        self.sock.close()


@contextlib.asynccontextmanager
async def world(**more: Any) -> AsyncIterator[World]:
    """A front that is up while the block runs; at its end nothing may be left over."""
    made = World(**more)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
    assert made.pool.total == made.pool.idle == 0, "a connection to the inside was not given back"
    assert made.memory.used == made.disk.used == 0, "a body was not given up"
    assert made.connections.total == 0


def limited(**parts: dict[str, Any]) -> Limits:
    """Limits with some changed: `limited(http={"body_bytes": 10})`."""
    limits = Limits()
    return replace(limits, **{name: replace(getattr(limits, name), **values) for name, values in parts.items()})


def get(target: bytes = b"/", *lines: bytes, host: bytes = b"site.example", method: bytes = b"GET") -> bytes:
    """A request without a body."""
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: " + host, *lines, b"", b""])


def post(
    body: bytes, content_type: bytes = b"application/x-www-form-urlencoded", *lines: bytes, target: bytes = b"/"
) -> bytes:
    """A request with a counted body."""
    head = [b"Content-Type: " + content_type, b"Content-Length: %d" % len(body), *lines]
    return get(target, *head, method=b"POST") + body


def chunked(
    *pieces: bytes,
    content_type: bytes = b"application/x-www-form-urlencoded",
    end: bytes = b"0\r\n\r\n",
    codings: bytes = b"",
    lines: tuple[bytes, ...] = (),
) -> bytes:
    """A request with a chunked body; `codings` stand before `chunked`, with the comma."""
    coding = b"Transfer-Encoding: " + codings + b"chunked"
    head = get(b"/", b"Content-Type: " + content_type, coding, *lines, method=b"POST")
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + end


def detect(name: str = "all", **more: Any) -> Route:
    return Route(name, "web", mode=Mode.DETECT, **more)


def off(name: str = "all", **more: Any) -> Route:
    return Route(name, "web", mode=Mode.OFF, **more)
