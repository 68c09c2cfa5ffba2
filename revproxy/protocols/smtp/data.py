"""Message data: where it ends, which of it is refused, and transparency (RFC 5321 4.1.1.4, 4.5.2).

The end is CRLF "." CRLF and nothing else. Data with a CR or LF outside a CRLF pair, with a NUL, with a line over
the limit or over the size limit is read to its end and then refused whole: what other servers might take for an
end of data never goes on. Blocks are checked with bytes methods; there is no loop over lines in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from revproxy.model import SmtpLimits
from revproxy.protocols.smtp.refusals import BARE_IN_DATA, LONG_DATA_LINE, TOO_BIG, Refusal, refuse

SLICE = 256 * 1024
"""Bytes of a message that are handed on at a time."""
_END = b"\r\n.\r\n"


class DataReader:
    """Feed it what follows our 354; `done` tells when the end was seen and `rest` what came behind it.

    Holds at most `limits.message_bytes` and a block. After the first fault nothing is kept. `overrun` becomes true
    when a client goes on for twice the size limit: there is no use in waiting for its end.
    """

    __slots__ = ("_fault", "_held", "_kept", "_limits", "_line", "_seen", "_tail", "done", "rest")

    def __init__(self, limits: SmtpLimits) -> None:
        self._limits = limits
        self._kept: list[bytes] = []
        # The data follows a line end: an end of data may be its first line (an empty message).
        self._tail = b"\r\n"
        self._held = 0
        self._seen = 0
        self._line = 0
        self._fault: Refusal | None = None
        self.done = False
        self.rest = b""

    @property
    def held(self) -> int:
        """Bytes that are kept now."""
        return self._held

    @property
    def overrun(self) -> bool:
        """Whether the client has sent more than twice what a message may have."""
        return self._seen > 2 * self._limits.message_bytes

    def feed(self, data: bytes) -> None:
        """Take a block. ValueError once `done`: a bug of ours."""
        if self.done:
            raise ValueError("fed after the end")
        window = self._tail + data
        end = window.find(_END)
        if end >= 0:
            self.done, self.rest = True, window[end + 5 :]
            self._settle(window[: end + 2])
            self._tail = b""
            return
        # An end of data may begin in the last four bytes: they wait.
        self._settle(window[:-4])
        self._tail = window[-4:]

    def spoil(self, refusal: Refusal) -> None:
        """Keep no more of it: `message` will refuse it with this (no memory left for it)."""
        if self._fault is None:
            self._fault, self._kept, self._held = refusal, [], 0

    def message(self) -> bytes:
        """The data without transparency and without the final dot, once. SmtpError when it is refused.

        May be called in a thread; it goes block by block, for one bytes method over a large message would hold
        every other thread too.
        """
        if self._fault is not None:
            raise refuse(self._fault)
        kept, self._kept = self._kept, []
        pieces = _unstuffed(kept)
        # The first two bytes are the line end that we put in front.
        before = 2
        for number, piece in enumerate(pieces):
            pieces[number] = piece[before:]
            before -= min(before, len(piece))
            if not before:
                break
        return b"".join(pieces)

    def _settle(self, block: bytes) -> None:
        """Check and keep bytes that are certainly content. Blocks may part a CRLF: `_line` and `_kept` know."""
        self._seen += len(block)
        if self._fault is None:
            self._fault = self._check(block)
        if self._fault is None:
            self._kept.append(block)
            self._held += len(block)
        elif self._kept:
            self._kept, self._held = [], 0

    def _check(self, block: bytes) -> Refusal | None:
        if not block:
            return None
        before = self._kept[-1][-1:] if self._kept else b""
        if b"\0" in block or not _paired(before, block, last=self.done):
            return BARE_IN_DATA
        if self._long_line(block):
            return LONG_DATA_LINE
        return TOO_BIG if self._held + len(block) - 2 > self._limits.message_bytes else None

    def _long_line(self, block: bytes) -> bool:
        lengths = list(map(len, block.split(b"\n")))
        lengths[0] += self._line
        self._line = lengths[-1]
        # Whole lines count their CR, and perhaps a dot of transparency: it is not told apart from one byte too many.
        return max(lengths) > self._limits.line_bytes + 2


def _paired(before: bytes, block: bytes, last: bool) -> bool:
    """Whether every CR and LF of `block`, which follows the byte `before`, belongs to a CRLF."""
    if before == b"\r":
        if block[0] != 0x0A:
            return False
        block = block[1:]
    if not last and block.endswith(b"\r"):
        block = block[:-1]
    pairs = block.count(b"\r\n")
    return block.count(b"\r") == pairs and block.count(b"\n") == pairs


def unstuff(wire: bytes) -> bytes:
    """Take the dot away from each line that begins with one. `wire` begins with CRLF."""
    return wire.replace(b"\r\n.", b"\r\n")


def _unstuffed(blocks: Iterable[bytes]) -> list[bytes]:
    """`unstuff` over blocks of one content: what a next block may still make a dotted line of waits for it."""
    out: list[bytes] = []
    waiting = b""
    for block in blocks:
        window = waiting + block
        size = len(window) - (2 if window.endswith(b"\r\n") else window.endswith(b"\r"))
        out.append(unstuff(window[:size]))
        waiting = window[size:]
    out.append(waiting)
    return out


def stuffed(message: bytes, most: int = SLICE) -> Iterator[bytes]:
    """A message as it goes over the wire, with its end: dots doubled, a last line end where there is none.

    In pieces of about `most` bytes. The message has CRLF line ends only (`DataReader` saw to it).
    """
    before = b"\r\n"
    for at in range(0, len(message), most):
        # The two bytes before show whether the piece begins a line; they went out with the piece before.
        window = before + message[at : at + most]
        before = window[-2:]
        yield window.replace(b"\r\n.", b"\r\n..")[2:]
    yield b".\r\n" if before == b"\r\n" else b"\r\n.\r\n"
