"""Content codings of HTTP (RFC 9110 8.4.1): gzip, deflate, br, and chains of them, decoded under two bounds.

Invariants: never more than `most` bytes come out, nor more than `ratio` for each byte that went in once 64 KiB are
out, and no stage of a chain makes more than that either, so a bomb costs what it weighs. A stream that ends early,
goes on after its end or is broken is a ContentError: what is left out of an inspection must not reach a server.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli

from revproxy.errors import ContentError, LimitError

FREE_BYTES = 64 * 1024
"""So much may come out whatever the ratio: small, very repetitive bodies are common."""
_SLICE = 64 * 1024
_MEMBERS = 1_000
"""gzip members in one stream: each costs a new decoder, and nobody sends many."""
_CHAIN = 3
_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = 31, 15, -15


class _Stage(Protocol):
    """One coding. `decode` gives at most `most` bytes, and exactly `most` only if there may be more."""

    def decode(self, data: bytes, most: int) -> bytes: ...

    @property
    def complete(self) -> bool: ...


class _Zlib:
    """zlib streams of one window: one after the other for gzip, a single one for deflate."""

    def __init__(self, window: int, members: int) -> None:
        self._window = window
        self._members = members
        self._decoder = zlib.decompressobj(window)

    def decode(self, data: bytes, most: int) -> bytes:
        out: list[bytes] = []
        try:
            while data and most > 0:
                if self._decoder.eof:
                    self._next_member()
                piece = self._decoder.decompress(data, most)
                out.append(piece)
                most -= len(piece)
                data = self._decoder.unused_data
        except zlib.error:
            raise ContentError("bad_encoding") from None
        return b"".join(out)

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

    def decode(self, data: bytes, most: int) -> bytes:
        if self._inner is None:
            self._start += data
            if len(self._start) < 2:
                return b""
            data = self._start
            zlib_format = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inner = _Zlib(_ZLIB_WINDOW if zlib_format else _RAW_WINDOW, 1)
        return self._inner.decode(data, most)

    @property
    def complete(self) -> bool:
        return self._inner is not None and self._inner.complete


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    def decode(self, data: bytes, most: int) -> bytes:
        out: list[bytes] = []
        try:
            if data and self._decoder.is_finished():
                raise ContentError("bad_encoding")
            # The library stops near its limit, not at it: we go on until it wants input or enough came out.
            while most > 0:
                piece: bytes = self._decoder.process(data, output_buffer_limit=most)
                out.append(piece)
                most -= len(piece)
                data = b""
                if not piece or self._decoder.is_finished() or self._decoder.can_accept_more_data():
                    break
        except brotli.error:
            raise ContentError("bad_encoding") from None
        return b"".join(out)

    @property
    def complete(self) -> bool:
        return bool(self._decoder.is_finished())


_STAGES: dict[str, Callable[[], _Stage]] = {
    "gzip": lambda: _Zlib(_GZIP_WINDOW, _MEMBERS),
    "x-gzip": lambda: _Zlib(_GZIP_WINDOW, _MEMBERS),
    "deflate": _Deflate,
    "br": _Brotli,
}
ENCODINGS: frozenset[str] = frozenset({*_STAGES, "identity"})
"""Names of codings that can be decoded, lower case."""


def _stages(encoding: str) -> list[_Stage]:
    """Decoders in the order in which they are to be applied: the last coding named was applied last."""
    names = [name.strip(" \t").lower() for name in encoding.split(",")] if encoding else []
    if len(names) > _CHAIN or not ENCODINGS.issuperset(names):
        raise ContentError("bad_encoding")
    return [_STAGES[name]() for name in reversed(names) if name != "identity"]


class Inflater:
    """A streaming decoder of a Content-Encoding value; an empty value is "identity"."""

    __slots__ = ("_in", "_most", "_out", "_ratio", "_stages")

    def __init__(self, encoding: str, most: int, ratio: int) -> None:
        """`most` bytes out at the most, `ratio` out for each in. Raises ContentError("bad_encoding")."""
        self._stages = _stages(encoding)
        self._most = most
        self._ratio = ratio
        self._in = 0
        self._out = [0] * max(1, len(self._stages))

    def feed(self, data: bytes) -> bytes:
        """What these bytes decode to. Raises ContentError("bad_encoding"), LimitError."""
        out: list[bytes] = []
        for at in range(0, len(data), _SLICE):
            piece = data[at : at + _SLICE]
            self._in += len(piece)
            if not self._stages:
                self._count(0, len(piece))
            for number, stage in enumerate(self._stages):
                piece = stage.decode(piece, self._allowed() - self._out[number] + 1)
                self._count(number, len(piece))
            out.append(piece)
        return b"".join(out)

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
