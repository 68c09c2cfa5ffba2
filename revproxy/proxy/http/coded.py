"""Bodies with transfer codings under `chunked`: undone as they are read, before anything else sees a byte of them.

What follows, on streaming routes too, knows neither the codings nor the client's chunks: it counts, inspects and
sends on what was decoded. A connection on which decoding failed carries nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

from revproxy.protocols.http1 import CodedReader, RequestHead

_RATIO_OF_CODED = 2
"""A content that is coded itself is inflated once more where it is inspected; both together may not grow by the
square of what one may. What is compressed hardly shrinks again."""


class _Chunked(Protocol):
    async def read(self) -> bytes: ...


def reader_of(request: RequestHead, ratio: int) -> CodedReader | None:
    """What undoes the codings of a chunked request's body; None where it was only chunked."""
    codings = request.codings
    if not codings:
        return None
    twice = request.get(b"content-encoding") is not None
    return CodedReader(codings, min(ratio, _RATIO_OF_CODED) if twice else ratio)


class Coded:
    """A chunked body whose payload `reader` decodes (`message.Body`)."""

    __slots__ = ("_body", "_pieces", "_reader", "done", "length")

    def __init__(self, body: _Chunked, reader: CodedReader) -> None:
        self.length: int | None = None
        self.done = False
        """All of it was read, and was whole: only then may another request follow."""
        self._body = body
        self._reader = reader
        self._pieces: Iterator[bytes] = iter(())

    @property
    def came(self) -> int:
        """See `message.Body`: it is not counted."""
        return 0

    def whole(self, most: int) -> bytes | None:
        """See `message.Body`: only the end tells whether it is whole."""
        return None

    async def arrive(self) -> None:
        """As `whole`."""

    async def read(self) -> bytes:
        """See `message.Body`."""
        while not self.done:
            for piece in self._pieces:
                # Decoding is work without waiting: after each piece the others get their turn.
                await asyncio.sleep(0)
                if piece:
                    return piece
            data = await self._body.read()
            if data:
                self._pieces = self._reader.pieces(data)
            else:
                self._reader.finish()
                self.done = True
        return b""
