"""The other halves of transfer codings: what `compress` writes (.Z), and bodies that were coded as a list says."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

CLEAR = 256


class _Codes:
    """Codes in groups of eight, lowest bit first."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._value = self._bits = 0

    def put(self, code: int, width: int) -> None:
        self._value |= code << self._bits
        self._bits += width
        if self._bits == 8 * width:
            self.pad(width)

    def pad(self, size: int) -> None:
        """Fill a group that has begun."""
        if self._bits:
            self._out += self._value.to_bytes(size, "little")
        self._value = self._bits = 0

    def stop(self) -> bytes:
        self.pad((self._bits + 7) // 8)
        return bytes(self._out)


def compress_lzw(data: bytes, widest: int = 16, block: bool = True, clear_at: int = 0) -> bytes:
    """`data` in .Z format. In block mode `clear_at` is the size of the table at which it begins anew; 0: never."""
    codes, first = _Codes(), 256 + block
    free, width, text = first, 9, b""
    table = {bytes((byte,)): byte for byte in range(256)}
    for byte in data:
        longer = text + bytes((byte,))
        if longer in table:
            text = longer
            continue
        codes.put(table[text], width)
        # Who reads is one entry behind, and it is his table that decides.
        if free == 1 << width and width < widest:
            codes.pad(width)
            width += 1
        if free < 1 << widest:
            table[longer] = free
            free += 1
        text = bytes((byte,))
        if block and clear_at and free >= clear_at:
            codes.put(CLEAR, width)
            codes.pad(width)
            free, width = first, 9
            table = {bytes((byte,)): byte for byte in range(256)}
    if text:
        codes.put(table[text], width)
    return b"\x1f\x9d" + bytes((widest | 0x80 * block,)) + codes.stop()


TRANSFER_CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "compress": compress_lzw,
    "x-compress": compress_lzw,
    "identity": bytes,
}


def coded(body: bytes, codings: str) -> bytes:
    """`body` after the codings of a Transfer-Encoding list, in order; `chunked` is left to the caller."""
    for name in codings.lower().split(","):
        if (name := name.strip()) != "chunked":
            body = TRANSFER_CODERS[name](body)
    return body
