"""Fetching files from outside within bounds: from a folder, or over HTTPS.

Invariants: one object has one budget of time for all that it fetches; silence, slowness and an answer that is too
long end it, and so does whatever is not the file itself: a redirect, a coded body, a device. Servers are always
verified, proxies of the environment are not asked, and nothing is fetched over plain HTTP. Blocking, for processes
that do nothing else meanwhile; never for a supervisor or a worker.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from revproxy.config.settings import Address, Upstream, UpstreamTls
from revproxy.errors import HttpError, LimitError, PeerClosed, PeerTimeout, UpstreamError
from revproxy.model import HttpLimits, SupplyLimits
from revproxy.net.dialer import DirectDialer
from revproxy.net.stream import Stream
from revproxy.protocols.http1 import ChunkedReader, Framing, ResponseHead, body_framing, parse_response, write_request

_PIECE: Final = 64 * 1024
_HTTP: Final = HttpLimits()
_END: Final = b""
_GONE: Final = frozenset({403, 404, 410})
_ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308})


class NotThereError(UpstreamError):
    """The other side says that there is no such file."""


def is_remote(place: str) -> bool:
    """Whether it is no file of this machine. Raises UpstreamError for a scheme that is not fetched from."""
    scheme = urlsplit(place).scheme if "://" in place else "file"
    if scheme not in ("https", "file"):
        raise UpstreamError(f"{place}: only https:// and files are fetched")
    return scheme == "https"


def local_path(place: str) -> str:
    """The path of a place that is not remote."""
    return unquote(urlsplit(place).path) if place.startswith("file://") else place


class Downloader:
    """Fetches, until its time is over. `clock` is in seconds and goes on."""

    def __init__(
        self,
        limits: SupplyLimits,
        ca: str | None = None,
        redirects: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ca` is a PEM file instead of the system's authorities; so many redirects are followed, to HTTPS only."""
        self._limits, self._ca, self._redirects, self._clock = limits, ca, redirects, clock
        self._end = clock() + limits.download_seconds

    def pieces(self, place: str) -> Iterator[bytes]:
        """The contents. Raises NotThereError, UpstreamError, PeerTimeout."""
        return self._watched(place, self._remote(place) if is_remote(place) else _local(local_path(place)))

    def read(self, place: str, most: int) -> bytes:
        """All of it. Raises LimitError over `most` bytes, and what `pieces` raises."""
        found = bytearray()
        for piece in self.pieces(place):
            found += piece
            if len(found) > most:
                raise LimitError(f"{place}: bytes", most)
        return bytes(found)

    def _watched(self, place: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        began, received = self._clock(), 0
        for piece in pieces:
            received += len(piece)
            now = self._clock()
            if now > self._end:
                raise PeerTimeout(f"{place}: not all was there within {self._limits.download_seconds:g} s")
            if received < self._limits.rate_bytes * (now - began - self._limits.idle_seconds):
                raise PeerTimeout(f"{place}: slower than {self._limits.rate_bytes} bytes a second")
            yield piece

    def _remote(self, place: str) -> Iterator[bytes]:
        stream = self._stream(place)
        # Its end closes the stream, also where a signal's handler has raised in the midst of it.
        with asyncio.Runner() as runner:
            while piece := runner.run(self._next(place, stream)):
                yield piece

    async def _next(self, place: str, stream: AsyncGenerator[bytes, None]) -> bytes:
        """Its next piece, empty at the end; the first one comes with connecting and the answer's head."""
        try:
            async with asyncio.timeout(min(self._limits.idle_seconds, max(0.0, self._end - self._clock()))):
                return await anext(stream, _END)
        except TimeoutError:
            raise PeerTimeout(f"{place}: silent for {self._limits.idle_seconds:g} s, or out of time") from None
        except HttpError as error:
            raise UpstreamError(f"{place}: no clean answer: {error}") from None
        except LimitError as error:
            raise UpstreamError(f"{place}: no clean answer: {error}") from None
        except PeerClosed as error:
            raise UpstreamError(f"{place}: {error}") from None
        except (OSError, ValueError) as error:
            # A port that is none, a redirect to what is no address.
            raise UpstreamError(f"{place}: {error}") from None

    async def _stream(self, asked: str) -> AsyncGenerator[bytes, None]:
        place = asked
        for _ in range(self._redirects + 1):
            stream = await self._connected(place)
            try:
                head = await self._asked(place, stream)
                if head.status == 200:
                    async for piece in self._body(place, head, stream):
                        yield piece
                    return
                place = _next_place(place, head, self._redirects > 0)
            finally:
                # A farewell of TLS would wait for a server that may be silent.
                stream.abort()
        raise UpstreamError(f"{asked}: more than {self._redirects} redirects, the last one to {place}")

    async def _connected(self, place: str) -> Stream:
        url = urlsplit(place)
        tls = UpstreamTls(self._ca)
        server = Upstream(place, Address(url.hostname or "", url.port or 443), tls)
        try:
            dialer = DirectDialer([server])
        except OSError as error:
            raise UpstreamError(f"{place}: {self._ca or 'the system'} has no authorities: {error}") from None
        return await dialer.dial(server, self._limits.idle_seconds)

    async def _asked(self, place: str, stream: Stream) -> ResponseHead:
        url = urlsplit(place)
        fields = [(b"host", _host(url)), (b"accept-encoding", b"identity"), (b"connection", b"close")]
        stream.write(write_request(b"GET", _target(url), [*fields, (b"user-agent", b"revproxy")]))
        head = parse_response(await stream.read_head(_HTTP.head_bytes, self._limits.idle_seconds), _HTTP)
        if (head.get(b"content-encoding") or b"identity") != b"identity":
            raise UpstreamError(f"{place}: it came with a coding that nobody asked for")
        return head

    async def _body(self, place: str, head: ResponseHead, stream: Stream) -> AsyncGenerator[bytes, None]:
        """The pieces of an answer. One that ends with the connection cannot be told from one that was cut."""
        framing = body_framing(head, b"GET")
        chunks = ChunkedReader(_HTTP, 502) if framing is Framing.CHUNKED else None
        left = head.content_length if chunks is None else None
        if chunks is None and left is None:
            raise UpstreamError(f"{place}: an answer without a length")
        while left or (chunks is not None and not chunks.done):
            data = await stream.read_some(self._limits.idle_seconds, min(left or _PIECE, _PIECE))
            if not data:
                raise UpstreamError(f"{place}: cut short")
            for piece in [data] if chunks is None else chunks.feed(data):
                yield piece
            left = left - len(data) if left is not None else None


def _host(url: SplitResult) -> bytes:
    return url.netloc.rpartition("@")[2].encode("idna")


def _target(url: SplitResult) -> bytes:
    return f"{url.path or '/'}{'?' if url.query else ''}{url.query}".encode("ascii")


def _next_place(place: str, answer: ResponseHead, followed: bool) -> str:
    """Where it is instead. Raises NotThereError, UpstreamError, also where that is not `followed`."""
    if answer.status in _GONE:
        raise NotThereError(f"{place}: answered {answer.status}")
    location = answer.get(b"location")
    if answer.status not in _ELSEWHERE or location is None:
        raise UpstreamError(f"{place}: answered {answer.status}")
    target = urljoin(place, location.decode("ascii"))
    if not followed:
        raise UpstreamError(f"{place}: redirects to {target}; redirects are not followed here")
    if urlsplit(target).scheme != "https":
        raise UpstreamError(f"{place}: leads to {target}, which is not HTTPS")
    return target


def _local(path: str) -> Iterator[bytes]:
    with _opened(path) as file:
        while piece := file.read(_PIECE):
            yield piece


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    try:
        # Non-blocking, because opening a FIFO that nobody writes would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotThereError(f"{path}: is not there") from None
    except OSError as error:
        raise UpstreamError(f"{path}: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UpstreamError(f"{path}: is no file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)
