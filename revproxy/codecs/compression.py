"""Codings of HTTP, of contents (RFC 9110 8.4.1) and of transfers (RFC 9112 7.2), and chains of them, decoded under
two bounds.

Invariants: never more than `most` bytes come out, nor more than `ratio` for each byte that went in once 64 KiB are
out, and no stage of a chain makes more than that either, so a bomb costs what it weighs. A stream that ends early,
goes on after its end or is broken is a ContentError: what is left out of an inspection must not reach a server.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import brotli

from revproxy.codecs.lzw import LzwDecoder
from revproxy.errors import ContentError, LimitError

FREE_BYTES = 64 * 1024
"""So much may come out whatever the ratio: small, very repetitive bodies are common."""
_SLICE = 64 * 1024
_PIECE = 64 * 1024
_MEMBERS = 1_000
"""gzip members in one stream: each costs a new decoder, and nobody sends many."""
_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = 31, 15, -15


class _Stage(Protocol):
    """One coding. `pieces` gives little at a time, and nothing after work that gave nothing."""

    def pieces(self, data: bytes) -> Iterator[bytes]: ...

    @property
    def complete(self) -> bool: ...


class _Zlib:
    """zlib streams of one window: one after the other for gzip, a single one for deflate."""

    def __init__(self, window: int, members: int) -> None:
        self._window = window
        self._members = members
        self._decoder = zlib.decompressobj(window)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        full = False
        while data or full:
            if self._decoder.eof:
                self._next_member()
            try:
                piece = self._decoder.decompress(data, _PIECE)
            except zlib.error:
                raise ContentError("bad_encoding") from None
            data = self._decoder.unused_data or self._decoder.unconsumed_tail
            # All may be read before all is written.
            full = len(piece) == _PIECE and not self._decoder.eof
            yield piece

    def _next_member(self) -> None:
        self._members -= 1
        if self._members <= 0:
            raise ContentError("bad_encoding")
        self._decoder = zlib.decompressobj(self._window)

    @property
    def complete(self) -> bool:
        return self._decoder.eof


class _Deflate:
    """zlib format as the standard says, or the raw one that some clients send: its first two bytes tell."""

    def __init__(self) -> None:
        self._start = b""
        self._inner: _Zlib | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None:
            self._start += data
            if len(self._start) < 2:
                return
            data = self._start
            zlib_format = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inner = _Zlib(_ZLIB_WINDOW if zlib_format else _RAW_WINDOW, 1)
        yield from self._inner.pieces(data)

    @property
    def complete(self) -> bool:
        return self._inner is not None and self._inner.complete


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if data and self._decoder.is_finished():
            raise ContentError("bad_encoding")
        going = True
        while going:
            try:
                # The library stops near its limit, and wants input while it still has output: ask until none comes.
                piece: bytes = self._decoder.process(data, output_buffer_limit=_PIECE)
                going = bool(piece) and not self._decoder.is_finished()
            except brotli.error:
                raise ContentError("bad_encoding") from None
            data = b""
            yield piece

    @property
    def complete(self) -> bool:
        return bool(self._decoder.is_finished())


@dataclass(frozen=True, slots=True)
class Codings:
    """What may stand in a list of codings: names in lower case with their decoders, and how many of them."""

    stages: Mapping[str, Callable[[], _Stage]]
    most: int

    @property
    def names(self) -> frozenset[str]:
        return frozenset({*self.stages, "identity"})


CONTENT = Codings(
    {
        "gzip": lambda: _Zlib(_GZIP_WINDOW, _MEMBERS),
        "x-gzip": lambda: _Zlib(_GZIP_WINDOW, _MEMBERS),
        "deflate": _Deflate,
        "br": _Brotli,
    },
    most=3,
)
"""Content-Encoding. Its body goes on as it came, so that only what servers read alike is read here."""
TRANSFER = Codings(
    {
        "gzip": lambda: _Zlib(_GZIP_WINDOW, _MEMBERS),
        "x-gzip": lambda: _Zlib(_GZIP_WINDOW, _MEMBERS),
        "deflate": lambda: _Zlib(_ZLIB_WINDOW, 1),
        "compress": LzwDecoder,
        "x-compress": LzwDecoder,
    },
    most=4,
)
"""Transfer-Encoding, without `chunked`. Here deflate is what RFC 9112 7.2 says it is, and nothing else."""
ENCODINGS = CONTENT.names
"""Names of content codings that can be decoded, lower case."""


def _stages(encoding: str, codings: Codings) -> list[_Stage]:
    """Decoders in the order in which they are to be applied: the last coding named was applied last."""
    names = [name.strip(" \t").lower() for name in encoding.split(",")] if encoding else []
    if len(names) > codings.most or not codings.names.issuperset(names):
        raise ContentError("bad_encoding")
    return [codings.stages[name]() for name in reversed(names) if name != "identity"]


class Inflater:
    """A streaming decoder of a list of codings, as in Content-Encoding; an empty list is "identity"."""

    __slots__ = ("_in", "_most", "_out", "_ratio", "_stages")

    def __init__(self, encoding: str, most: int, ratio: int, codings: Codings = CONTENT) -> None:
        """`most` bytes out at the most, `ratio` out for each in. Raises ContentError("bad_encoding")."""
        self._stages = _stages(encoding, codings)
        self._most = most
        self._ratio = ratio
        self._in = 0
        self._out = [0] * max(1, len(self._stages))

    def feed(self, data: bytes) -> bytes:
        """What these bytes decode to. Raises ContentError("bad_encoding"), LimitError."""
        return b"".join(self.pieces(data))

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The same some at a time, with nothing as a piece where much work gave nothing: no more is held than a piece
        of each stage. To be taken to its end before the next call."""
        for at in range(0, len(data), _SLICE):
            piece = data[at : at + _SLICE]
            self._in += len(piece)
            if not self._stages:
                self._count(0, len(piece))
            yield from self._through(0, piece)

    def _through(self, number: int, data: bytes) -> Iterator[bytes]:
        """What the stages from that one on make of `data`."""
        if number == len(self._stages):
            yield data
            return
        for piece in self._stages[number].pieces(data):
            self._count(number, len(piece))
            yield from self._through(number + 1, piece)

    def finish(self) -> None:
        """The encoded bytes are complete. Raises ContentError("bad_encoding") if the streams are not."""
        if self._in and not all(stage.complete for stage in self._stages):
            raise ContentError("bad_encoding")

    def _allowed(self) -> int:
        return min(self._most, FREE_BYTES + self._ratio * self._in)

    def _count(self, number: int, length: int) -> None:
        self._out[number] += length
        if self._out[number] > self._most:
            raise LimitError("body_bytes", self._most)
        if self._out[number] > self._allowed() and self._stages:
            raise LimitError("inflate_ratio", self._ratio)


def inflate(data: bytes, encoding: str, most: int, ratio: int) -> bytes:
    """Decode a whole body. Raises ContentError("bad_encoding") and LimitError as `Inflater` does."""
    inflater = Inflater(encoding, most, ratio)
    out = inflater.feed(data)
    inflater.finish()
    return out
