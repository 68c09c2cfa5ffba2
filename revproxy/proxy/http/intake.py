"""Taking in a request body: stored as it came, taken apart as its type says, judged piece by piece and as a whole.

Nothing of it goes inside before `take_in` has returned, except on a route that declares `stream` (`flow`), where
each piece is judged before it goes on. A body that breaks its declared type is not repaired: the reason becomes
the field `body.error` and its bytes are inspected raw, so that a rule decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from revproxy.codecs.compression import Inflater
from revproxy.content.body import Kind, kind_of, open_body
from revproxy.content.guess import may_have_structure, read_structure
from revproxy.errors import ContentError, HttpError, LimitError, PeerError
from revproxy.model import ContentLimits, Phase, Transaction
from revproxy.protocols.http1 import ResponseHead
from revproxy.proxy.http.fields import Collector
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Body, Request
from revproxy.proxy.http.refusal import Refused, from_client

_ASIDE_BYTES = 16 * 1024
"""Bodies over this are taken apart in a thread: the loop must not stand still."""
_RAW = b"application/octet-stream"
_GATHERED = ("args", "args.post", "files", "files.types", "parts.headers")
_IDENTITY = (b"", b"identity")
_UNREAD = frozenset({Kind.RAW, Kind.NONE})
"""Bodies that are not taken apart."""
_FLOWING = _UNREAD | {Kind.MULTIPART}
"""Bodies that can be judged before their end; the others are read whole, and are small."""


class Store(Protocol):
    """Where a body is kept until its verdict (`net.Spool`)."""

    async def write(self, data: bytes) -> None:
        """Keep it. Raises LimitError when there is no room."""


class _AtOnce:
    """A raw body in windows that do not wait until they are full: each piece, after the end of the one before.

    One that begins like JSON or XML is kept as well, up to `structured_bytes`: its escapes are undone at its end, and
    until then nothing of it may go on.
    """

    def __init__(self, limits: ContentLimits, collector: Collector) -> None:
        self._collector = collector
        self._overlap = limits.window_overlap_bytes
        self._step = max(1, limits.window_bytes - limits.window_overlap_bytes)
        self._tail = b""
        self._limits = limits
        self._kept: bytearray | None = bytearray()

    @property
    def holds(self) -> bool:
        """Whether what came so far must wait for the end."""
        return self._kept is not None

    def feed(self, data: bytes) -> None:
        if self._kept is not None:
            self._kept += data
            if len(self._kept) > self._limits.structured_bytes or not may_have_structure(self._kept):
                self._kept = None
        for at in range(0, len(data), self._step):
            window = self._tail + data[at : at + self._step]
            self._collector.window(b"", window)
            self._tail = window[-self._overlap :] if self._overlap else b""

    def finish(self) -> None:
        """Raises LimitError."""
        self._tail = b""
        if self._kept:
            read_structure(bytes(self._kept), self._limits, self._collector)

    def unread(self) -> bytes:
        return b""


class Reading:
    """One body being taken apart. `feed` and `finish` never raise for what the body contains."""

    def __init__(self, request: Request, limits: ContentLimits, most: int, flowing: bool = False) -> None:
        """`most` bounds the decoded size; `flowing` when its pieces go on before the end.

        Raises ContentError("bad_encoding") for a coding that we cannot read.
        """
        self.collector = Collector()
        self.error = ""
        self.size = 0
        self._limits = limits
        self._inflater = _inflater_of(request, most, limits)
        self._kind, self._reader = Kind.RAW, open_body(_RAW, limits, self.collector)
        content_type = request.get(b"content-type") or b""
        try:
            self._kind, self._reader = kind_of(content_type), open_body(content_type, limits, self.collector)
        except ContentError as error:
            self.error = error.reason
        self._flowing: _AtOnce | None = None
        if flowing and self._inflater is None and self._kind in _UNREAD:
            self._reader = self._flowing = _AtOnce(limits, self.collector)

    @property
    def at_once(self) -> bool:
        """Each piece is in a window before the next one comes, and nothing waits for the end."""
        return self._flowing is not None and not self._flowing.holds

    @property
    def waits(self) -> bool:
        """All pieces so far wait for the end: together they may be a text of structure."""
        return self._flowing is not None and self._flowing.holds

    def feed(self, data: bytes) -> None:
        """Take the next bytes as they came. Raises LimitError, and ContentError for a broken content coding."""
        if self._inflater is not None:
            data = self._inflater.feed(data)
        self._take(data)

    def finish(self) -> None:
        """The body is complete. Raises as `feed`."""
        if self._inflater is not None:
            self._inflater.finish()
        try:
            self._reader.finish()
        except ContentError as error:
            self._break(error)
            self._reader.finish()

    def _take(self, data: bytes) -> None:
        self.size += len(data)
        try:
            self._reader.feed(data)
        except ContentError as error:
            self._break(error)

    def _break(self, error: ContentError) -> None:
        """From here on, and from where the reader got stuck, the body is read as one that no type describes."""
        self.error = self.error or error.reason
        rest = self._reader.unread()
        self._reader = open_body(_RAW, self._limits, self.collector)
        self._reader.feed(rest)

    def fill(self, transaction: Transaction) -> None:
        """Put what was found into the fields of phase BODY."""
        fields = transaction.fields
        fields.put("body.type", (self._kind.value.encode("ascii"),))
        fields.put("body.length", (b"%d" % self.size,))
        if self.error:
            fields.put("body.error", (self.error.encode("ascii"),))
        self.collector.fill(fields)


def codings(message: Request | ResponseHead) -> bytes:
    """What all Content-Encoding fields say, as one list (RFC 9110 5.3): whoever decodes reads all of them."""
    if message.get(b"content-encoding") is None:
        return b""
    lines = zip(message.names, message.fields, strict=True)
    return b",".join(value for name, (_, value) in lines if name == b"content-encoding")


def _inflater_of(request: Request, most: int, limits: ContentLimits) -> Inflater | None:
    coding = codings(request).lower()
    if coding in _IDENTITY:
        return None
    return Inflater(coding.decode("latin-1"), most, limits.inflate_ratio)


async def take_in(
    body: Body, spool: Store, reading: Reading, judge: Judge, transaction: Transaction, most: int
) -> None:
    """Read a body to its end and judge it. Raises Refused; `most` bytes may come, more are 413."""
    async for _ in _judged(body, spool, reading, judge, most):
        pass
    reading.fill(transaction)
    await judge.judge(Phase.BODY, Phase.BODY, reading.size)


async def store(body: Body, spool: Store, most: int) -> None:
    """Read a body to its end without looking at it: the route's inspection is off. Raises Refused."""
    try:
        async for piece in _bounded(body, most):
            await spool.write(piece)
    except (HttpError, LimitError, PeerError) as error:
        raise from_client(error) from error


def flows(request: Request) -> bool:
    """Whether a body can be judged as it flows."""
    return kind_of(request.get(b"content-type") or b"") in _FLOWING


async def flow(
    body: Body, reading: Reading, judge: Judge, transaction: Transaction, most: int
) -> AsyncIterator[bytes]:
    """A body of a streaming route: judged as it goes on. Raises Refused in the middle of it.

    Of a raw body every piece goes on as soon as it was judged. Of any other the last piece is held back until the
    whole was judged: the inside never gets all of a body that is refused.
    """
    held: list[bytes] = []
    async for piece in _judged(body, None, reading, judge, most):
        if not reading.waits:
            await _judge_fresh(reading, judge, transaction)
            for ready in held:
                yield ready
            held.clear()
        if reading.at_once:
            yield piece
        else:
            held.append(piece)
    reading.fill(transaction)
    await judge.judge(Phase.BODY, Phase.BODY, reading.size)
    for ready in held:
        yield ready


async def _judge_fresh(reading: Reading, judge: Judge, transaction: Transaction) -> None:
    """Judge what was gathered since the last time, and that the body broke, before any more of it goes on."""
    fresh, fields = reading.collector.fresh(), transaction.fields
    if fresh is None and not reading.error:
        return
    before = fields.get("args")
    if fresh is not None:
        fresh.fill(fields)
    if reading.error:
        fields.put("body.error", (reading.error.encode("ascii"),))
    await judge.judge(Phase.BODY, Phase.BODY, reading.size)
    for name in _GATHERED:
        fields.drop(name)
    if before is not None:
        fields.put("args", before[1], before[0])


async def flow_unseen(body: Body, most: int) -> AsyncIterator[bytes]:
    """A body of a streaming route whose inspection is off. Raises Refused."""
    try:
        async for piece in _bounded(body, most):
            yield piece
    except (HttpError, PeerError) as error:
        raise from_client(error) from error


async def _judged(body: Body, spool: Store | None, reading: Reading, judge: Judge, most: int) -> AsyncIterator[bytes]:
    try:
        async for piece in _bounded(body, most):
            if spool is not None:
                await spool.write(piece)
            reading.feed(piece)
            if reading.collector.windows:
                await judge.windows(reading.collector.windows)
            yield piece
        if reading.size > _ASIDE_BYTES:
            await asyncio.get_running_loop().run_in_executor(None, reading.finish)
        else:
            reading.finish()
        await judge.windows(reading.collector.windows)
    except (HttpError, ContentError, LimitError, PeerError) as error:
        raise from_client(error) from error


async def _bounded(body: Body, most: int) -> AsyncIterator[bytes]:
    size = 0
    while piece := await body.read():
        size += len(piece)
        if size > most:
            raise Refused(413, "body_bytes")
        yield piece
