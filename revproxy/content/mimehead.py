"""The header of a message: its fields unfolded, the sender taken apart, and what is ambiguous in it.

Invariants: linear in the length of the header, which the caller bounds; nothing is decoded that a word of `mime`
does not name. What does not belong here: heads of parts, which the two readers see for themselves.
"""

from __future__ import annotations

import re

from revproxy.codecs.marks import NUL
from revproxy.content.encodedword import decode_words, has_words

Fields = list[tuple[bytes, bytes]]

_END = re.compile(rb"(?:\A|\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_PARAMETER = re.compile(rb";[ \t\r\n]*(boundary|charset|filename|name)[ \t]*=", re.IGNORECASE)
_FILENAME = re.compile(rb"(?:file)?name[ \t]*=[^;]*=\?", re.IGNORECASE)
_SINGLE = frozenset(
    {
        b"from",
        b"sender",
        b"subject",
        b"date",
        b"to",
        b"message-id",
        b"mime-version",
        b"content-type",
        b"content-transfer-encoding",
        b"content-disposition",
    }
)
"""Fields of which RFC 5322 3.6 and RFC 2045 allow one."""
_ENCODINGS = frozenset({b"", b"7bit", b"8bit", b"binary", b"base64", b"quoted-printable"})


def head_length(data: bytes) -> int:
    """Where the header ends: at the first empty line, in any line ending, or at the end of the data."""
    found = _END.search(data)
    return found.start() if found is not None else len(data)


def fields_of(head: bytes) -> Fields:
    """Names in lower case and unfolded values; a line without a colon is a field without a value."""
    lines: list[list[bytes]] = []
    for line in _LINE_END.split(head):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1].append(line)
        elif line:
            lines.append([line])
    return [_field(b"".join(pieces)) for pieces in lines]


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.rstrip(b" \t").lower(), value.strip(b" \t")


def first(fields: Fields, name: bytes) -> bytes:
    """The first value of a field, or nothing."""
    return next((value for field, value in fields if field == name), b"")


def sender_of(value: bytes) -> tuple[bytes, bytes]:
    """Display name (encoded words decoded) and address of a From field; what is not there is empty."""
    before, opened, after = value.rpartition(b"<")
    if opened:
        return _unquote(decode_words(before.strip(b" \t"))), after.partition(b">")[0].strip(b" \t")
    address, _, comment = value.partition(b"(")
    return decode_words(comment.rpartition(b")")[0].strip(b" \t")), address.strip(b" \t")


def _unquote(name: bytes) -> bytes:
    if len(name) > 1 and name[:1] == b'"' and name[-1:] == b'"':
        return name[1:-1].replace(b'\\"', b'"')
    return name


def line_words(data: bytes) -> set[bytes]:
    """Words for line endings and bytes that readers take differently."""
    words: set[bytes] = set()
    pairs = data.count(b"\r\n")
    if data.count(b"\r") > pairs:
        words.add(b"bare-cr")
    if pairs and data.count(b"\n") > pairs:
        words.add(b"bare-lf")
    if NUL in data:
        words.add(b"nul")
    return words


def field_words(fields: Fields) -> set[bytes]:
    """Words for what is ambiguous in the fields of one header: of the message or of a part."""
    words: set[bytes] = set()
    names = [name for name, _ in fields if name in _SINGLE]
    if len(set(names)) != len(names):
        words.add(b"duplicate-header")
    for name, value in fields:
        if name in (b"content-type", b"content-disposition"):
            words |= _parameter_words(value)
        elif name == b"content-transfer-encoding" and value.lower() not in _ENCODINGS:
            words.add(b"unknown-encoding")
    return words


def _parameter_words(value: bytes) -> set[bytes]:
    words: set[bytes] = set()
    names = [name.lower() for name in _PARAMETER.findall(value)]
    if len(set(names)) != len(names):
        words.add(b"duplicate-boundary" if names.count(b"boundary") > 1 else b"duplicate-parameter")
    if _FILENAME.search(value) and has_words(value):
        words.add(b"encoded-word-filename")
    kind = value.partition(b";")[0].strip(b" \t").lower()
    if kind == b"message/partial":
        words.add(b"message-partial")
    if kind == b"message/external-body":
        words.add(b"message-external-body")
    return words
