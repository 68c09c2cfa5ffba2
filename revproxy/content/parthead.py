"""The head of one part of a multipart/form-data body: its lines checked, its disposition and type parsed.

Invariants: one Content-Disposition, `form-data` with one `name` and at most one `filename`; no RFC 2231 forms
(`filename*=`, which RFC 7578 4.2 forbids here), no folded line, no control character, no quoted pair that would end
a string at different places for different readers; at most one Content-Type; a transfer encoding only when it
changes nothing. Every refusal is a ContentError with one of the words of `REASONS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from revproxy.content.media import parse_media, plain_charset
from revproxy.errors import ContentError

REASONS = frozenset(
    {
        "multipart_header",
        "multipart_disposition",
        "multipart_part_type",
        "multipart_nested",
        "multipart_transfer_encoding",
        "charset",
    }
)
_TOKEN = rb"[!#$%&*+.^_`|~0-9A-Za-z-]+"
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
# A backslash before a quote ends the string for browsers and does not for others: refused. Elsewhere it is a letter.
_PARAMETER = re.compile(
    rb"[ \t]*;[ \t]*(" + _TOKEN + rb")=(?:(" + _TOKEN + rb')|"((?:[^"\\\t]|\\(?!"))*)")(?=[ \t]*(?:;|\Z))'
)
_KEPT_AS_IS = frozenset({b"7bit", b"8bit", b"binary"})


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


def parse_part_head(head: bytes) -> PartHead:
    """`head` is everything before the empty line, lines separated by CRLF. Raises ContentError."""
    lines = head.split(b"\r\n")
    table: dict[bytes, list[bytes]] = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise ContentError("multipart_header")
        table.setdefault(found[1].lower(), []).append(found[2].rstrip(b" \t"))
    field, filename = _disposition(_only(table, b"content-disposition", "multipart_disposition"))
    _check_transfer_encoding(table)
    canonical = None if filename is None else canonical_filename(filename)
    return PartHead(field, canonical, filename, _type(table, filename is not None), tuple(lines))


def _only(table: dict[bytes, list[bytes]], name: bytes, reason: str) -> bytes:
    values = table.get(name, ())
    if len(values) > 1:
        raise ContentError(reason)
    return values[0] if values else b""


def _disposition(value: bytes) -> tuple[bytes, bytes | None]:
    kind, at = value[:9].lower(), 9
    if kind != b"form-data":
        raise ContentError("multipart_disposition")
    parameters: dict[bytes, bytes] = {}
    while at < len(value):
        found = _PARAMETER.match(value, at)
        if found is None or b"*" in found[1] or found[1].lower() in parameters:
            raise ContentError("multipart_disposition")
        at = found.end()
        parameters[found[1].lower()] = found[3] if found[2] is None else found[2]
    if b"name" not in parameters:
        raise ContentError("multipart_disposition")
    return parameters[b"name"], parameters.get(b"filename")


def canonical_filename(name: bytes) -> bytes:
    """Without outer blanks and trailing dots, which file systems drop and rules on extensions stumble over."""
    return name.strip(b" \t").rstrip(b" \t.")


def _type(table: dict[bytes, list[bytes]], is_file: bool) -> bytes:
    value = _only(table, b"content-type", "multipart_part_type")
    if not value:
        return b""
    try:
        media = parse_media(value)
    except ContentError:
        raise ContentError("multipart_part_type") from None
    if media.essence.startswith(b"multipart/"):
        raise ContentError("multipart_nested")
    charset = media.parameters.get(b"charset")
    if charset is not None and not is_file and not plain_charset(charset):
        raise ContentError("charset")
    return media.essence


def _check_transfer_encoding(table: dict[bytes, list[bytes]]) -> None:
    value = _only(table, b"content-transfer-encoding", "multipart_transfer_encoding")
    if value and value.lower() not in _KEPT_AS_IS:
        raise ContentError("multipart_transfer_encoding")
