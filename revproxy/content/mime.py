"""A mail message to what is inspected of it: header, texts, attachments, and where two readers disagree.

Invariants: the message is read twice, by parsers of different descent (`mimefast`, `mimecompat`); what either of them
sees is inspected, and each difference is a word in `ambiguities`, for the receiving mail program may be of either
mind. Work is bounded by `ContentLimits` before and while they read. One reader that fails is an ambiguity; both, an
error. What does not belong here: archives inside attachments (`content.archive`), verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from revproxy.codecs.charset import decode_text
from revproxy.content.encodedword import decode_words
from revproxy.content.mimecompat import CompatReading
from revproxy.content.mimefast import read_fast
from revproxy.content.mimehead import (
    Fields,
    field_words,
    fields_of,
    first,
    head_length,
    line_words,
    sender_of,
)
from revproxy.content.mimepart import Leaf, all_names
from revproxy.content.mimeuu import uu_files
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

T = TypeVar("T")

_UUENCODED = b"application/x-uuencoded"
"""What we say a uuencoded file is: nothing declares its type."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """`name` may be empty; `kind` is the declared type, lower case. One part with two names stands here twice."""

    name: bytes
    kind: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """What was found. `error` is a fixed word when a reader gave up on the message, or empty."""

    headers: list[tuple[bytes, bytes]]
    subject: bytes
    from_name: bytes
    from_address: bytes
    texts: list[bytes]
    attachments: list[Attachment]
    part_headers: list[bytes]
    """header lines of parts, `Name: value`, unfolded or not as they came"""
    ambiguities: list[bytes]
    error: bytes


def read_message(data: bytes, limits: ContentLimits) -> Message:
    """Read a whole message.

    Raises LimitError ("message_head_bytes", "part_head_bytes", "mime_depth", "mime_parts", "mime_lines"), and
    ContentError("mime_unreadable") when neither reader can make anything of it.
    """
    length = head_length(data)
    if length > limits.message_head_bytes:
        raise LimitError("message_head_bytes", limits.message_head_bytes)
    fields = fields_of(data[:length])
    words = line_words(data) | field_words(fields)
    compat = _attempt(lambda: CompatReading(data, limits))
    fast = _attempt(lambda: read_fast(data, limits))
    if compat is None and fast is None:
        raise ContentError("mime_unreadable")
    failed = compat is None or fast is None
    part_headers = compat.part_headers if compat is not None else []
    leaves = compat.leaves if compat is not None else []
    if compat is not None:
        words |= compat.words | field_words_of_parts(part_headers)
    if failed:
        words.add(b"reader-failed")
    else:
        words |= _differences(fast or [], leaves)
    name, address = sender_of(first(fields, b"from"))
    union = _union([*(fast or []), *leaves, *(compat.extra if compat is not None else [])])
    files = uu_files([leaf.content for leaf in union], limits)
    union += [Leaf(_UUENCODED, all_names(name), b"", content) for name, content in files]
    return Message(
        headers=fields,
        subject=decode_words(first(fields, b"subject")),
        from_name=name,
        from_address=address,
        texts=_texts(union),
        attachments=_attachments(union),
        part_headers=part_headers,
        ambiguities=sorted(words),
        error=b"mime-unreadable" if failed else b"",
    )


def _attempt(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ContentError:
        return None


def field_words_of_parts(lines: Sequence[bytes]) -> set[bytes]:
    """Words for the header lines of parts; what repeats is not told here, for the lines of all parts are together."""
    words: set[bytes] = set()
    for line in lines:
        words |= field_words(fields_of(line))
    return words


def _plain(content: bytes) -> bytes:
    # The readers cut the last line end differently, and quoted-printable is decoded with either kind.
    return content.replace(b"\r\n", b"\n").rstrip(b"\r\n")


def _differences(fast: Sequence[Leaf], compat: Sequence[Leaf]) -> set[bytes]:
    words: set[bytes] = set()
    if len(fast) != len(compat):
        words.add(b"part-count")
    for one, other in zip(fast, compat, strict=False):
        if one.names[:1] != other.names[:1]:
            words.add(b"name")
        if one.kind != other.kind:
            words.add(b"type")
        if _plain(one.content) != _plain(other.content):
            words.add(b"content")
    for leaf in compat:
        if len(leaf.names) > 1:
            words.add(b"several-names")
    return words


def _union(leaves: Sequence[Leaf]) -> list[Leaf]:
    table = {(leaf.kind, leaf.names, leaf.charset.lower(), _plain(leaf.content)): leaf for leaf in reversed(leaves)}
    return list(reversed(table.values()))


def _texts(leaves: Sequence[Leaf]) -> list[bytes]:
    texts = (decode_text(leaf.content, leaf.charset).encode("utf-8", "replace") for leaf in leaves if leaf.is_text)
    return list(dict.fromkeys(text for text in texts if text))


def _attachments(leaves: Sequence[Leaf]) -> list[Attachment]:
    table: dict[Attachment, None] = {}
    for leaf in leaves:
        if leaf.names or not leaf.is_text:
            for name in leaf.names or (b"",):
                table[Attachment(name, leaf.kind, leaf.content)] = None
    return list(table)


__all__ = ["Attachment", "Fields", "Message", "read_message"]
