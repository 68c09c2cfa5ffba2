"""Replies of an SMTP server, read strictly (RFC 5321 4.2, RFC 2034), and how one is written.

Lines end in CRLF, all lines of a reply carry one code, and a reply is bounded: whatever else an internal server
says is an UpstreamError, never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from revproxy.errors import UpstreamError

LINE_BYTES = 2048
"""RFC 5321 4.5.3.1.5 says 512; servers are known to write more."""
LINES = 128

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n\x00]*))?\Z")
_ENHANCED = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |\Z)")


@dataclass(frozen=True, slots=True)
class Reply:
    """`enhanced` is empty where none was given; `lines` are the texts, without codes."""

    code: int
    enhanced: bytes
    lines: tuple[bytes, ...]

    @property
    def positive(self) -> bool:
        """2xx"""
        return 200 <= self.code < 300

    @property
    def text(self) -> bytes:
        """All lines in one."""
        return b" ".join(self.lines)


class ReplyReader:
    """Feed it what the server sends; each call gives the replies that are complete."""

    __slots__ = ("_buffer", "_code", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._code = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> list[Reply]:
        """Complete replies, oldest first. UpstreamError for anything that is no reply."""
        *whole, self._buffer = (self._buffer + data).split(b"\r\n")
        if len(self._buffer) > LINE_BYTES:
            raise UpstreamError("reply-line-too-long")
        return [reply for line in whole if (reply := self._line(line)) is not None]

    @property
    def between(self) -> bool:
        """Whether nothing of a next reply has arrived."""
        return not self._buffer and not self._lines

    def _line(self, line: bytes) -> Reply | None:
        match = _LINE.match(line) if len(line) <= LINE_BYTES else None
        if match is None:
            raise UpstreamError("reply-syntax")
        code, separator, text = match.groups()
        if (self._lines and code != self._code) or len(self._lines) >= LINES:
            raise UpstreamError("reply-lines")
        self._code = code
        self._lines.append(text or b"")
        if separator == b"-":
            return None
        lines, self._lines = self._lines, []
        return _reply(code, lines)


def _reply(code: bytes, lines: list[bytes]) -> Reply:
    found = _ENHANCED.match(lines[0])
    # A class that is not the code's says nothing (RFC 2034, 4).
    enhanced = found[1] if found is not None and found[1][:1] == code[:1] else b""
    if enhanced:
        lines = [line[len(enhanced) :].lstrip(b" ") if line.startswith(enhanced) else line for line in lines]
    return Reply(int(code), enhanced, tuple(lines))


def write_reply(text: str) -> bytes:
    """One of our replies as it goes out; lines are parted by a newline, each with its code.

    ValueError for a text that would break the wire: a bug of ours.
    """
    data = text.encode("ascii")
    if b"\r" in data or b"\0" in data or not data[:3].isdigit():
        raise ValueError("not a reply")
    code, lines = data[:3], data.split(b"\n")
    if any(line[:3] != code for line in lines):
        raise ValueError("not a reply")
    return b"\r\n".join(lines) + b"\r\n"
