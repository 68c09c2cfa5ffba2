"""What is asked of an internal server, and what it answers: held here, sent and read by `forward`."""

from __future__ import annotations

from collections.abc import AsyncIterable

from revproxy.model import HttpLimits
from revproxy.net import Pool, Stream
from revproxy.protocols.http1 import ChunkedReader, Framing, ResponseHead


class Outgoing:
    """A request ready to go: `head` is complete bytes; `body` is all of it, or `pieces` follow.

    `pieces` is None where `body` is everything; `chunked` frames pieces of unknown total length.
    """

    __slots__ = ("body", "chunked", "head", "method", "pieces")

    def __init__(
        self,
        method: bytes,
        head: bytes,
        body: bytes = b"",
        pieces: AsyncIterable[bytes] | None = None,
        chunked: bool = False,
    ) -> None:
        self.method = method
        self.head = head
        self.body = body
        self.pieces = pieces
        self.chunked = chunked


class Answer:
    """The head of an answer, and its body to be read once: by `whole`, else by `forward.read`. Give it back with
    `close` whatever happened."""

    __slots__ = ("_given", "_pool", "chunks", "framing", "head", "left", "stream", "timeout")

    def __init__(
        self, head: ResponseHead, framing: Framing, stream: Stream, pool: Pool, limits: HttpLimits, timeout: float
    ) -> None:
        self.head = head
        self.framing = framing
        """How the body ends; `left` are the bytes that a counted one still has, `chunks` reads a chunked one."""
        self.left = head.content_length or 0 if framing is Framing.LENGTH else 0
        self.chunks = ChunkedReader(limits, 502) if framing is Framing.CHUNKED else None
        self.stream = stream
        self._pool = pool
        self.timeout = timeout
        self._given = False

    @property
    def length(self) -> int | None:
        """Bytes of the body, None when only its end will tell."""
        if self.framing is Framing.NONE:
            return 0
        return self.head.content_length if self.framing is Framing.LENGTH else None

    def whole(self) -> bytes | None:
        """The whole body when all of it is there already, else None and nothing was read."""
        if self.framing is Framing.LENGTH and self.left <= self.stream.buffered:
            data = self.stream.take(self.left)
            self.left = 0
            return data
        return b"" if self.framing is Framing.NONE else None

    def close(self) -> None:
        """Hand the connection back to its pool, for another request if the answer left it clean."""
        framing = self.framing
        if framing is Framing.LENGTH:
            complete = not self.left
        elif framing is Framing.CHUNKED:
            complete = self.chunks is not None and self.chunks.done and not self.chunks.rest
        elif framing is Framing.NONE:
            # HEAD, 204, 304: a server that sends the body all the same must not answer the next client with it.
            complete = not self.head.chunked and not self.head.content_length
        else:
            complete = False
        self._give(complete and self.head.keep_alive)

    def abort(self) -> None:
        """Throw the connection away: the answer is not complete, or not clean."""
        self._give(False)

    def _give(self, reusable: bool) -> None:
        """Once: whoever comes second finds it given."""
        if not self._given:
            self._given = True
            self._pool.release(self.stream, reusable)
