"""Chunked bodies, strictly (RFC 9112 7.1): fed in any pieces, payload out, or HttpError.

Chunk extensions and trailer fields are checked and dropped: nothing of them goes on. Work is linear in the bytes
fed however small the chunks are, and what is held between two calls is at most one line. Used for both directions.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from revproxy.errors import HttpError
from revproxy.model import HttpLimits
from revproxy.protocols.http1.fields import TOKEN

LAST_CHUNK: Final = b"0\r\n\r\n"
_HEX: Final = b"0123456789ABCDEFabcdef"
_SIZE_DIGITS: Final = 16
_SIZE_MOST: Final = (1 << 63) - 1
_NOT_CONTROL: Final = bytes(b for b in range(256) if b == 9 or (b >= 32 and b != 127))


class _State(IntEnum):
    SIZE = 0
    DATA = 1
    DATA_END = 2
    TRAILER = 3
    DONE = 4


def encode_chunk(data: bytes) -> bytes:
    """One chunk; empty data gives nothing, since a chunk of size 0 would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


class ChunkedReader:
    """Reads one chunked body. After `done`, `rest` holds what follows it; `overhead` counts the framing bytes."""

    __slots__ = ("_held", "_left", "_line_most", "_state", "_status", "_trailer_left", "done", "overhead", "rest")

    def __init__(self, limits: HttpLimits, status: int = 400) -> None:
        """`status` is that of the HttpError raised: 400 for a client's body, 502 for an internal server's."""
        self._state = _State.SIZE
        self._held = b""
        self._left = 0
        self._line_most = limits.chunk_line_bytes
        self._trailer_left = limits.trailer_bytes
        self._status = status
        self.done = False
        self.overhead = 0
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of payload in `data`, none empty. Raises HttpError; the reader is of no use after it."""
        if self.done:
            self.rest += data
            return []
        if self._held:
            data = self._held + data
            self._held = b""
        out: list[bytes] = []
        at = 0
        size = len(data)
        while at < size and not self.done:
            if self._state is _State.DATA:
                end = at + self._left
                piece = data[at:end] if at or end < size else data
                out.append(piece)
                self._left -= len(piece)
                at += len(piece)
                if not self._left:
                    self._state = _State.DATA_END
                continue
            following = self._data_end(data, at) if self._state is _State.DATA_END else self._line(data, at)
            if following < 0:
                self._held = data[at:]
                return out
            self.overhead += following - at
            at = following
        if self.done:
            self.rest = data[at:]
        return out

    def _data_end(self, data: bytes, at: int) -> int:
        """The CRLF after a chunk's data; -1 when it is not all there."""
        if data.startswith(b"\r\n", at):
            self._state = _State.SIZE
            return at + 2
        if len(data) - at >= 2 or data[at] != 13:
            raise HttpError(self._status, "chunk-end")
        return -1

    def _line(self, data: bytes, at: int) -> int:
        """One size line or trailer line; where the next begins, or -1 when it is not all there."""
        trailer = self._state is _State.TRAILER
        most = self._trailer_left if trailer else self._line_most
        end = data.find(b"\n", at, at + most + 2)
        if end < 0:
            if len(data) - at >= most + 2:
                raise HttpError(self._status, "trailer-bytes" if trailer else "chunk-line-bytes")
            return -1
        if end == at or data[end - 1] != 13:
            raise HttpError(self._status, "bare-lf")
        line = data[at : end - 1]
        if line.translate(None, _NOT_CONTROL):
            raise HttpError(self._status, "chunk-control-character")
        if trailer:
            self._trailer(line)
        else:
            self._size(line)
        return end + 1

    def _size(self, line: bytes) -> None:
        """chunk-size [ chunk-ext ]: no sign, no underscore, no space, at most 16 digits."""
        digits, semicolon, _ = line.partition(b";")
        if semicolon:
            # RFC 9112 7.1.1 lets "bad whitespace" stand before the semicolon; nobody sends it: refused.
            _check_extension(line, self._status)
        if not digits or len(digits) > _SIZE_DIGITS or digits.translate(None, _HEX):
            raise HttpError(self._status, "chunk-size")
        size = int(digits, 16)
        if size > _SIZE_MOST:
            raise HttpError(self._status, "chunk-size")
        self._left = size
        self._state = _State.DATA if size else _State.TRAILER

    def _trailer(self, line: bytes) -> None:
        """A trailer field, or the empty line that ends the body."""
        if not line:
            self._state = _State.DONE
            self.done = True
            return
        self._trailer_left -= len(line) + 2
        name, colon, _ = line.partition(b":")
        if self._trailer_left < 0:
            raise HttpError(self._status, "trailer-bytes")
        if not colon or not name or name.translate(None, TOKEN):
            raise HttpError(self._status, "trailer-field")


def _check_extension(line: bytes, status: int) -> None:
    """Extensions are dropped, yet one that is not ASCII or leaves a quoted string open is refused."""
    if not line.isascii() or line.count(b'"') % 2:
        raise HttpError(status, "chunk-extension")
