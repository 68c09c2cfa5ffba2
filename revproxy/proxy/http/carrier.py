"""One request on an HTTP/1 connection and the place for its answer, framed as its version has it.

Nothing is read here, and nothing waits: what has to be waited for is given back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final, Protocol

from revproxy.net import Stream
from revproxy.protocols.http1 import LAST_CHUNK, FieldWriter, RequestHead, encode_chunk, response_head
from revproxy.proxy.http.headers import NOT_OUTSIDE
from revproxy.proxy.http.message import Body, Client, Line
from revproxy.proxy.http.site import Site

_LINES: Final = FieldWriter(NOT_OUTSIDE)
_BODILESS_LINES: Final = FieldWriter(NOT_OUTSIDE - {b"content-length"})
"""HEAD and 304 tell the length of a body that they do not carry (RFC 9110 8.6)."""


class ReadOnce(Body, Protocol):
    """A body of which it is known whether it was read."""

    @property
    def done(self) -> bool:
        """Read to its end, and whole: only then may another request follow."""


class Http1Carrier:
    """One request of a connection, and the place for its answer (`message.Carrier` and `message.Reply`)."""

    __slots__ = (
        "_chunked",
        "_keep",
        "_site",
        "_stall",
        "_stream",
        "body",
        "client",
        "head_bytes",
        "request",
        "sent",
    )

    def __init__(
        self,
        request: RequestHead,
        size: int,
        body: ReadOnce | None,
        stream: Stream,
        client: Client,
        site: Site,
        keep: bool,
    ) -> None:
        """`keep` is false when the connection is to be closed after this exchange whatever the client wants."""
        self.request = request
        self.head_bytes = size
        self.client = client
        self.body = body
        self.sent = 0
        self._site = site
        self._stream = stream
        self._stall = site.limits.timeouts.write_stall
        self._keep = keep and request.keep_alive
        self._chunked = False

    @property
    def reply(self) -> Http1Carrier:
        """The answer goes out the way the request came in."""
        return self

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the connection."""
        return self._keep and not self._stream.closing

    def whole(self, status: int, reason: bytes, fields: Sequence[Line], body: bytes) -> Awaitable[None] | None:
        """See `message.Reply`."""
        if status == 204:
            lines, body = b"".join([_LINES[field] for field in fields]), b""
        elif self.request.method == b"HEAD" or status == 304:
            lines, body = b"".join([_BODILESS_LINES[field] for field in fields]), b""
        else:
            lines = b"%bContent-Length: %d\r\n" % (b"".join([_LINES[field] for field in fields]), len(body))
        return self._write(response_head(status, reason, lines + self._connection()) + body)

    def begin(self, status: int, reason: bytes, fields: Sequence[Line], length: int | None) -> Awaitable[None] | None:
        """See `message.Reply`. HTTP/1.0 knows no chunks: the end of the connection ends the body."""
        lines = b"".join([_LINES[field] for field in fields])
        if length is not None:
            lines += b"Content-Length: %d\r\n" % length
        elif self.request.version == b"HTTP/1.1":
            self._chunked = True
            lines += b"Transfer-Encoding: chunked\r\n"
        else:
            self._keep = False
        return self._write(response_head(status, reason, lines + self._connection()))

    def piece(self, data: bytes) -> Awaitable[None] | None:
        """See `message.Reply`."""
        return self._write(encode_chunk(data) if self._chunked else data)

    def end(self) -> Awaitable[None] | None:
        """See `message.Reply`."""
        return self._write(LAST_CHUNK) if self._chunked else None

    def abort(self) -> None:
        """See `message.Reply`: a reset, or at least an end before the announced length or the last chunk."""
        self._keep = False
        self._stream.abort()

    def _connection(self) -> bytes:
        """The line that says what becomes of the connection, where that needs saying (RFC 9112 9.3)."""
        # A drain may have begun since the request was read.
        if self._site.draining or (self.body is not None and not self.body.done):
            self._keep = False
        if not self._keep:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if self.request.version == b"HTTP/1.0" else b""

    def _write(self, data: bytes) -> Awaitable[None] | None:
        stream = self._stream
        stream.write(data)
        self.sent += len(data)
        return stream.drain(self._stall) if stream.choked else None
