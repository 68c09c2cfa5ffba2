"""The head of one part of a multipart/form-data body: its lines checked, its disposition and type parsed.

Invariants: one Content-Disposition (`content.disposition`), no folded line, no control character, at most one
Content-Type, no multipart within. Every refusal is a ContentError with one of the words of `REASONS`. What only says
how a content is to be read (a charset, a transfer encoding, a type that is none) breaks nothing: everybody finds
the same parts. It is a flaw, told with a word of `REASONS` too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from revproxy.content.disposition import parse_disposition
from revproxy.content.media import parse_media, plain_charset
from revproxy.errors import ContentError

REASONS: Final = frozenset(
    {
        "multipart_header",
        "multipart_disposition",
        "multipart_part_type",
        "multipart_nested",
        "multipart_transfer_encoding",
        "charset",
    }
)
_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_CHARSET: Final = re.compile(rb"charset[ \t]*=[ \t]*[\"']?([^ \t\"';,]*)", re.IGNORECASE)
_CHARSETS: Final = 2
"""That one part may name; nobody names more."""
_KEPT_AS_IS: Final = frozenset({b"7bit", b"8bit", b"binary"})
_SHORT: Final = 256
"""Bytes of a head that is remembered: a form is posted again and again with the same fields."""


@dataclass(frozen=True, slots=True)
class PartHead:
    """`filename` is None for a field. `content_type` is the type without parameters, lower case, or empty."""

    field: bytes
    filename: bytes | None
    """canonical"""
    written: bytes | None
    """as it stands there"""
    content_type: bytes
    lines: tuple[bytes, ...]
    others: tuple[bytes, ...] = ()
    """what other readers take for the file's name, or for the field's where there is no file"""
    coding: bytes = b""
    """a transfer encoding that changes something"""
    charsets: tuple[bytes, ...] = ()
    """of a field: those in which it is not read here"""
    flaws: tuple[str, ...] = ()


def parse_part_head(head: bytes) -> PartHead:
    """`head` is everything before the empty line, lines separated by CRLF. Raises ContentError."""
    return _remembered(head) if len(head) <= _SHORT else _parsed(head)


@lru_cache(maxsize=512)
def _remembered(head: bytes) -> PartHead:
    return _parsed(head)


def _parsed(head: bytes) -> PartHead:
    lines = head.split(b"\r\n")
    table: dict[bytes, list[bytes]] = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise ContentError("multipart_header")
        table.setdefault(found[1].lower(), []).append(found[2].rstrip(b" \t"))
    named = parse_disposition(_only(table, b"content-disposition", "multipart_disposition"))
    coding = _coding(table)
    content_type, charsets, clean = _type(_only(table, b"content-type", "multipart_part_type"))
    charsets = () if named.filename is not None else charsets
    found_flaws = {
        "multipart_disposition": named.ambiguous,
        "multipart_transfer_encoding": coding,
        "multipart_part_type": not clean,
        "charset": charsets,
    }
    return PartHead(
        named.field,
        None if named.filename is None else canonical_filename(named.filename),
        named.filename,
        content_type,
        tuple(lines),
        named.others,
        coding,
        charsets,
        tuple(reason for reason, there in found_flaws.items() if there),
    )


def _only(table: dict[bytes, list[bytes]], name: bytes, reason: str) -> bytes:
    values = table.get(name, ())
    if len(values) > 1:
        raise ContentError(reason)
    return values[0] if values else b""


def canonical_filename(name: bytes) -> bytes:
    """Without outer blanks and trailing dots, which file systems drop and rules on extensions stumble over."""
    return name.strip(b" \t").rstrip(b" \t.")


def _type(value: bytes) -> tuple[bytes, tuple[bytes, ...], bool]:
    """(type, charsets in which the content is not read here, whether it is one clean media type or none)."""
    if not value:
        return b"", (), True
    essence, clean = value.partition(b";")[0].strip(b" \t").lower(), True
    try:
        essence = parse_media(value).essence
    except ContentError:
        clean = False
    if essence.startswith(b"multipart/") or (not clean and b"multipart" in value.lower()):
        raise ContentError("multipart_nested")
    charsets = tuple({name.lower(): None for name in _CHARSET.findall(value) if name and not plain_charset(name)})
    if len(charsets) > _CHARSETS:
        raise ContentError("charset")
    return essence, charsets, clean


def _coding(table: dict[bytes, list[bytes]]) -> bytes:
    value = _only(table, b"content-transfer-encoding", "multipart_transfer_encoding").lower()
    return b"" if value in _KEPT_AS_IS else value
