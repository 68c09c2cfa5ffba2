"""Inflating members of archives under one budget for all of them.

deflate, gzip, bzip2 and LZMA are read with the standard library's incremental decoders.
Invariants: all contents of one reading together stay within the budget, and each within its ratio; a member that
goes beyond is cut there and flagged `bomb`, a broken one is cut where it breaks and flagged `malformed`. Unlike
`codecs.compression`, which refuses, this keeps what came out: extractors do so as well.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from revproxy.codecs.compression import FREE_BYTES

_RAW, _GZIP = -15, 31
_MEMBERS = 100
_SLICE = 256 * 1024
_SLOW = 4
"""A byte of bzip2 or LZMA counts as so many of deflate: reading them takes as much longer."""
_MEMORY = 96 * 1024 * 1024
"""What LZMA may hold; `xz -9` asks for 65 MiB."""
_LZMA_HEAD = 9
_LEAST_DICTIONARY = 4096
_PADDING = 64 * 1024
_ERRORS = (zlib.error, lzma.LZMAError, OSError, ValueError)
"""Of broken streams; the second last is what bz2 raises."""


class _Decoder(Protocol):
    """What the three modules' decoders have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: memoryview | bytes, max_length: int, /) -> bytes: ...


class Inflation:
    """What is left of the budget. `flags` is where trouble is noted."""

    __slots__ = ("_left", "_left_in", "_ratio", "flags")

    def __init__(self, most: int, ratio: int, flags: set[bytes]) -> None:
        self._left = most
        # Streams can be made that eat much and give nothing, and entries that all claim the same one.
        self._left_in = 2 * most
        self._ratio = ratio
        self.flags = flags

    def stored(self, data: bytes | memoryview) -> bytes:
        """Data that is not compressed."""
        if len(data) > self._left:
            self.flags.add(b"bomb")
            data = data[: self._left]
        self._left -= len(data)
        return bytes(data)

    def deflated(self, data: bytes | memoryview, whole: bool = True) -> bytes:
        """A raw deflate stream; `whole` when it must end with the data."""
        return self._one(zlib.decompressobj(_RAW), memoryview(data), whole)

    def bzipped(self, data: bytes | memoryview, whole: bool = True) -> bytes:
        """A bzip2 stream inside a zip."""
        return self._one(bz2.BZ2Decompressor(), memoryview(data), whole, _SLOW)

    def lzma(self, data: bytes | memoryview, ends: bool, whole: bool = True) -> bytes:
        """An LZMA stream as zip has it (APPNOTE 5.8): version, size of properties, properties.

        `ends`: it has a mark at its end; otherwise only the archive knows its size, and all of it is taken.
        """
        view = memoryview(data)
        head = bytes(view[:_LZMA_HEAD])
        if len(head) < _LZMA_HEAD or head[2:4] != b"\x05\x00":
            self.flags.add(b"malformed")
            return b""
        # As the head of a file of its own, of unknown size. A dictionary larger than what may come out is of no use.
        most = max(_LEAST_DICTIONARY, min(int.from_bytes(head[5:9], "little"), self._most(view)))
        decoder = lzma.LZMADecompressor(lzma.FORMAT_ALONE, _MEMORY)
        try:
            decoder.decompress(head[4:5] + most.to_bytes(4, "little") + b"\xff" * 8, 0)
        except lzma.LZMAError:
            self.flags.add(b"malformed")
            return b""
        return self._one(decoder, view[_LZMA_HEAD:], whole, _SLOW, ends)

    def _one(self, decoder: _Decoder, data: memoryview, whole: bool, cost: int = 1, ends: bool = True) -> bytes:
        out, end, sound = self._stream(decoder, data, cost, ends)
        if not sound or (whole and end < len(data)):
            self.flags.add(b"malformed")
        return out

    def gzip(self, data: bytes) -> bytes:
        """gzip members one after the other; zeros after the last are padding."""
        return self._members(data, lambda: zlib.decompressobj(_GZIP), b"\x1f\x8b", 1)

    def bzip2(self, data: bytes) -> bytes:
        """A .bz2 file: streams one after the other. What is none at all is flagged `unreadable`."""
        return self._members(data, bz2.BZ2Decompressor, b"BZh", _SLOW)

    def xz(self, data: bytes) -> bytes:
        """A .xz file: streams one after the other, zeros between them. What is none at all is `unreadable`."""
        return self._members(data, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY), b"\xfd7zXZ\0", _SLOW)

    def _members(self, data: bytes, make: Callable[[], _Decoder], magic: bytes, cost: int) -> bytes:
        out: list[bytes] = []
        view = memoryview(data)
        at = 0
        for _ in range(_MEMBERS):
            piece, size, sound = self._stream(make(), view[at:], cost)
            out.append(piece)
            at += size
            if cost != 1 and sound:
                # Zeros may stand between streams of xz (2.2 of its format), and tools pass over those of bzip2.
                padding = data[at : at + _PADDING]
                at += len(padding) - len(padding.lstrip(b"\0"))
            if not sound or not data.startswith(magic, at):
                break
        if cost != 1 and not sound and not any(out):
            # Just as if we did not know the format: the first bytes may be chance.
            self.flags.add(b"unreadable")
        elif not sound or data[at:].strip(b"\0"):
            self.flags.add(b"malformed")
        return b"".join(out)

    def _most(self, data: memoryview) -> int:
        return min(self._left, FREE_BYTES + self._ratio * len(data))

    def _stream(self, decoder: _Decoder, data: memoryview, cost: int, ends: bool = True) -> tuple[bytes, int, bool]:
        """What came out, how much went in, and whether the stream ended as it should (where it has an end)."""
        most = self._most(data)
        out: list[bytes] = []
        at, made, sound = 0, 0, True
        while at < len(data) and not decoder.eof and made <= most and self._left_in > 0:
            piece_in = data[at : at + _SLICE]
            self._left_in -= cost * len(piece_in)
            try:
                piece = decoder.decompress(piece_in, most - made + 1)
            except _ERRORS:
                sound = False
                break
            out.append(piece)
            made += len(piece)
            at += len(piece_in)
        end = at - len(decoder.unused_data)
        if made > most or (sound and at < len(data) and self._left_in <= 0 and not decoder.eof):
            self.flags.add(b"bomb")
        self._left -= min(made, most)
        return b"".join(out)[:most], end, sound and (decoder.eof or not ends)
