"""Heads written anew from parsed parts. No byte of a peer's framing passes through here.

A CR, LF or NUL, or another break of the line structure, in what is to be written is a bug of ours and raises
ValueError: the gate refuses such heads long before. Which fields are sent is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from revproxy.codecs.marks import NUL, SPACE
from revproxy.protocols.http1.fields import LEARN_BYTES, LEARN_MOST, NEVER_TWICE

_BREAKS: Final = bytes(b for b in range(256) if b not in b"\r\n\0")
_REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}
_STATUS_LINES: Final = {code: b"HTTP/1.1 %d %s\r\n" % (code, phrase) for code, phrase in _REASONS.items()}


def write_request(method: bytes, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """An HTTP/1.1 request head with its empty line. Method and target hold no space; fields are (name, value)."""
    lines = [b"%b: %b\r\n" % field for field in fields]
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, b"".join(lines))
    if SPACE in target or SPACE in method:
        raise ValueError("space in a request line")
    _check(head, len(lines))
    return head


def write_response(status: int, reason: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """An HTTP/1.1 response head with its empty line; an empty `reason` stands for the usual phrase."""
    lines = [b"%b: %b\r\n" % field for field in fields]
    start = b"HTTP/1.1 %d %b\r\n" % (status, reason) if reason else status_line(status)
    head = b"%b%b\r\n" % (start, b"".join(lines))
    _check(head, len(lines))
    return head


class FieldWriter(dict[tuple[bytes, bytes], bytes]):
    """`lines[name, value]` is the line of a field, or nothing for a field that is not to be written.

    Lines that repeat are made and checked once: at most 4,096 of them, of at most 512 bytes, are remembered.
    """

    __slots__ = ("_dropped", "_prefixes")

    def __init__(self, dropped: frozenset[bytes] = frozenset(), prefixes: tuple[bytes, ...] = ()) -> None:
        """`dropped` are names in lower case, `prefixes` beginnings of such."""
        super().__init__()
        self._dropped = dropped
        self._prefixes = prefixes

    def __missing__(self, field: tuple[bytes, bytes]) -> bytes:
        name, value = field
        lower = name.lower()
        line = b"" if lower in self._dropped or lower.startswith(self._prefixes) else b"%b: %b\r\n" % field
        if line:
            _check_line(line)
        if len(name) + len(value) <= LEARN_BYTES and lower not in NEVER_TWICE:
            if len(self) >= LEARN_MOST:
                self.clear()
            self[field] = line
        return line


def request_head(method: bytes, target: bytes, lines: bytes) -> bytes:
    """An HTTP/1.1 request head of lines that a `FieldWriter` made; the gate has seen method and target."""
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, lines)


def response_head(status: int, reason: bytes, lines: bytes) -> bytes:
    """An HTTP/1.1 response head of lines that a `FieldWriter` made."""
    return b"%b%b\r\n" % (_start(status, reason), lines)


@lru_cache(maxsize=256)
def _start(status: int, reason: bytes) -> bytes:
    line = b"HTTP/1.1 %d %b\r\n" % (status, reason) if reason else status_line(status)
    _check_line(line)
    return line


def _check_line(line: bytes) -> None:
    """Of CR, LF and NUL there must be the CRLF at the end and nothing else."""
    if line.find(b"\r") != len(line) - 2 or line.find(b"\n") != len(line) - 1 or NUL in line:
        raise ValueError("CR, LF or NUL in a line to be written")


def status_line(status: int) -> bytes:
    """`HTTP/1.1 NNN phrase` with CRLF, the phrase empty for a code without one."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def _check(head: bytes, fields: int) -> None:
    """Of CR, LF and NUL there must be the CRLFs that we wrote and nothing else."""
    if head.translate(None, _BREAKS) != b"\r\n" * (fields + 2):
        raise ValueError("CR, LF or NUL in a head to be written")
