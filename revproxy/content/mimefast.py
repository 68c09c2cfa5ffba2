"""The first reading of a message: fast-mail-parser's tree.

Invariants: depth and number of parts bounded by the limits; the library bounds its own recursion and time.
"""

from __future__ import annotations

from collections.abc import Iterator

from fast_mail_parser import ParseError, PyMimePart, parse_email_tree

from revproxy.content.mimecoding import codings, decode
from revproxy.content.mimepart import Leaf, all_names, charset_of
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits


def read_fast(data: bytes, limits: ContentLimits) -> list[Leaf]:
    """The leaves in order. Raises ContentError("mime_unreadable"), LimitError("mime_depth", "mime_parts")."""
    try:
        root = parse_email_tree(data)
    except ParseError:
        raise ContentError("mime_unreadable") from None
    leaves: list[Leaf] = []
    for number, part in enumerate(_walk(root, limits.mime_depth)):
        if number >= limits.mime_parts:
            raise LimitError("mime_parts", limits.mime_parts)
        if part.content is not None and not part.children:
            leaves.append(_leaf(part))
    return leaves


def _walk(root: PyMimePart, most: int) -> Iterator[PyMimePart]:
    stack = [(root, 0)]
    while stack:
        part, depth = stack.pop()
        if depth > most:
            raise LimitError("mime_depth", most)
        yield part
        stack.extend((child, depth + 1) for child in reversed(part.children))


def _leaf(part: PyMimePart) -> Leaf:
    declared, coded = b"", list[bytes]()
    for name, values in part.headers.items():
        if name.lower() == "content-type" and values:
            declared = values[0].encode("utf-8", "replace")
        elif name.lower() == "content-transfer-encoding":
            coded += [value.encode("utf-8", "replace") for value in values]
    content = part.content or b""
    coding, *others = codings(coded)
    if len(coded) == 1 and others:
        # White space around the word: the library compares letter by letter, and has decoded nothing.
        content = decode(content, coding)
    return Leaf(
        part.content_type.lower().encode("utf-8", "replace"),
        all_names(part.filename.encode("utf-8", "replace")),
        charset_of(declared),
        content,
    )
