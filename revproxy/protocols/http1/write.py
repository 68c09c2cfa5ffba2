"""Heads written anew from parsed parts. No byte of a peer's framing passes through here.

A CR, LF or NUL, or another break of the line structure, in what is to be written is a bug of ours and raises
ValueError: the gate refuses such heads long before. Which fields are sent is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

_BREAKS: Final = bytes(b for b in range(256) if b not in b"\r\n\0")
_REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}
_STATUS_LINES: Final = {code: b"HTTP/1.1 %d %s\r\n" % (code, phrase) for code, phrase in _REASONS.items()}


def write_request(method: bytes, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """An HTTP/1.1 request head with its empty line. Method and target hold no space; fields are (name, value)."""
    lines = [b"%b: %b\r\n" % field for field in fields]
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, b"".join(lines))
    if b" " in target or b" " in method:
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


def status_line(status: int) -> bytes:
    """`HTTP/1.1 NNN phrase` with CRLF, the phrase empty for a code without one."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def _check(head: bytes, fields: int) -> None:
    """Of CR, LF and NUL there must be the CRLFs that we wrote and nothing else."""
    if head.translate(None, _BREAKS) != b"\r\n" * (fields + 2):
        raise ValueError("CR, LF or NUL in a head to be written")
