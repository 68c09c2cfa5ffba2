"""The format of the Unix program `compress` (.Z): LZW with codes of 9 to 16 bits, read as it comes.

Three bytes of header (1f 9d, flags), then codes, lowest bit first, in groups of eight: a group of n-bit codes is
n bytes. Where the width changes, and after a CLEAR, the rest of a group is padding. The format has neither an end nor
a checksum: it ends where its bytes do, which only the framing around it can tell.

Invariants: whatever comes, bytes or ContentError("bad_encoding"); what is held between two calls is less than one
group, and a table of at most 65,536 entries of three bytes. How much may come out is the caller's to bound.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

from revproxy.errors import ContentError

_MAGIC: Final = b"\x1f\x9d"
_HEAD_BYTES: Final = 3
_BLOCK_MODE: Final = 0x80
_RESERVED: Final = 0x60
_WIDEST: Final = 0x1F
_WIDTHS: Final = range(10, 17)
"""Widest codes that a header may declare. Not 9: `compress -b 9` writes what neither it nor gzip can read back."""
_FIRST_WIDTH: Final = 9
_CLEAR: Final = 256
_NO_LINKS: Final = bytes(2 * 256)
_BYTES: Final = bytes(range(256))
_PIECE: Final = 64 * 1024
_STEP: Final = 8 * 1024
"""Bytes read for one piece: some milliseconds of work, since this is Python."""


class LzwDecoder:
    """One stream. The text of a code is the text of its link, which is a code before it, and one byte, its tail."""

    __slots__ = (
        "_block",
        "_first",
        "_group",
        "_head",
        "_last",
        "_links",
        "_padding",
        "_place",
        "_tails",
        "_widest",
        "_width",
    )

    def __init__(self) -> None:
        self._head = b""
        self._block = False
        self._widest = 0
        self._width = _FIRST_WIDTH
        self._links = array("H", _NO_LINKS)
        self._tails = bytearray(_BYTES)
        self._last = -1
        """The code before; -1 at the start and after a CLEAR."""
        self._first = 0
        """The byte that its text begins with."""
        self._group = b""
        """A group that is not all there; the first `_place` codes of it were read."""
        self._place = 0
        self._padding = 0
        """Bytes to come that mean nothing."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What these bytes decode to, some at a time, and nothing after work that gave nothing.

        To be taken to its end before the next call. Raises ContentError("bad_encoding").
        """
        data = self._after_head(data)
        padding = min(self._padding, len(data))
        self._padding -= padding
        data = self._group + data[padding:]
        out = bytearray()
        at, pause = 0, _STEP
        while at < len(data):
            group = data[at : at + self._width]
            at += len(group)
            self._read(group, out)
            if len(out) >= _PIECE or at >= pause:
                yield bytes(out)
                out.clear()
                pause = at + _STEP
        yield bytes(out)

    @property
    def complete(self) -> bool:
        """Whether it may end here: the header is there, and nothing is left over but bits that fill a byte."""
        used = self._place * self._width
        rest = int.from_bytes(self._group, "little") >> used
        return len(self._head) == _HEAD_BYTES and len(self._group) * 8 - used < 8 and not rest

    def _after_head(self, data: bytes) -> bytes:
        """What of `data` follows the header, which is read once it is all there."""
        missing = _HEAD_BYTES - len(self._head)
        if not missing:
            return data
        self._head += data[:missing]
        if len(self._head) == _HEAD_BYTES:
            flags = self._head[2]
            self._widest = flags & _WIDEST
            self._block = bool(flags & _BLOCK_MODE)
            if self._head[:2] != _MAGIC or flags & _RESERVED or self._widest not in _WIDTHS:
                raise ContentError("bad_encoding")
            self._clear()
        return data[missing:]

    def _clear(self) -> None:
        """Begin the table anew. In block mode the first code after those of bytes is CLEAR and has no text."""
        first = _CLEAR + self._block
        del self._links[_CLEAR:], self._tails[_CLEAR:]
        self._links.extend([0] * (first - _CLEAR))
        self._tails.extend(bytes(first - _CLEAR))
        self._width = _FIRST_WIDTH
        self._last = -1

    def _read(self, group: bytes, out: bytearray) -> None:
        """Read the codes of a group that were not read yet, as many as are there."""
        width = self._width
        mask = (1 << width) - 1
        ready = len(group) * 8 // width
        value = int.from_bytes(group, "little") >> self._place * width
        for _ in range(self._place, ready):
            if self._renewed_by(value & mask, out):
                self._padding = width - len(group)
                ready, group = 0, b""
                break
            value >>= width
        whole = len(group) == width
        self._group, self._place = (b"", 0) if whole else (group, ready)

    def _renewed_by(self, code: int, out: bytearray) -> bool:
        """Read one code. Whether what follows has another width or begins anew: the rest of the group is padding."""
        if self._last < 0:
            # Nothing is known but the bytes; a CLEAR here would clear nothing.
            if code >= _CLEAR:
                raise ContentError("bad_encoding")
            out.append(code)
            self._last = self._first = code
            return False
        if code == _CLEAR and self._block:
            self._clear()
            return True
        self._first = self._write(code, out)
        grown = len(self._tails)
        if grown < 1 << self._widest:
            self._links.append(self._last)
            self._tails.append(self._first)
            grown += 1
        self._last = code
        if grown == 1 << self._width and self._width < self._widest:
            self._width += 1
            return True
        return False

    def _write(self, code: int, out: bytearray) -> int:
        """Put out the text of a code; its first byte."""
        links, tails = self._links, self._tails
        text = bytearray()
        if code >= len(tails):
            # The one code that may stand before its entry is made: the text before and its own first byte.
            if code > len(tails):
                raise ContentError("bad_encoding")
            text.append(self._first)
            code = self._last
        while code >= _CLEAR:
            text.append(tails[code])
            code = links[code]
        text.append(code)
        text.reverse()
        out += text
        return code
