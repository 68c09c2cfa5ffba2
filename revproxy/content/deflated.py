"""Inflating members of archives under one budget for all of them.

Invariants: all contents of one reading together stay within the budget, and each within its ratio; a member that
goes beyond is cut there and flagged `bomb`, a broken one is cut where it breaks and flagged `malformed`. Unlike
`codecs.compression`, which refuses, this keeps what came out: extractors do so as well.
"""

from __future__ import annotations

import zlib

from revproxy.codecs.compression import FREE_BYTES

_RAW, _GZIP = -15, 31
_MEMBERS = 100
_SLICE = 256 * 1024


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
        out, end, sound = self._stream(memoryview(data), _RAW)
        if not sound or (whole and end < len(data)):
            self.flags.add(b"malformed")
        return out

    def gzip(self, data: bytes) -> bytes:
        """gzip members one after the other; zeros after the last are padding."""
        out: list[bytes] = []
        at = 0
        for _ in range(_MEMBERS):
            piece, size, sound = self._stream(memoryview(data)[at:], _GZIP)
            out.append(piece)
            at += size
            if not sound or not data.startswith(b"\x1f\x8b", at):
                break
        if not sound or data[at:].strip(b"\0"):
            self.flags.add(b"malformed")
        return b"".join(out)

    def _stream(self, data: memoryview, window: int) -> tuple[bytes, int, bool]:
        """What came out, how much went in, and whether the stream ended as it should."""
        decoder = zlib.decompressobj(window)
        most = min(self._left, FREE_BYTES + self._ratio * len(data))
        out: list[bytes] = []
        at, made, sound = 0, 0, True
        while at < len(data) and not decoder.eof and made <= most and at < self._left_in:
            try:
                piece = decoder.decompress(data[at : at + _SLICE], most - made + 1)
            except zlib.error:
                sound = False
                break
            out.append(piece)
            made += len(piece)
            at = min(at + _SLICE, len(data))
        end = at - len(decoder.unused_data)
        if made > most or (at < len(data) and at >= self._left_in and not decoder.eof):
            self.flags.add(b"bomb")
        self._left -= min(made, most)
        self._left_in = max(0, self._left_in - at)
        return b"".join(out)[:most], end, sound and decoder.eof
