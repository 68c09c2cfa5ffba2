"""What both readers of a message say about one part that is no container: the leaf. And names from its header.

Invariant: bytes throughout, decoded; a leaf knows every file name that a mail program might show for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from revproxy.content.encodedword import decode_words

_CHARSET = re.compile(rb'charset\*?[ \t]*=[ \t]*"?([A-Za-z0-9._:()-]{1,40})', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leaf:
    """`kind` is the declared type in lower case; no name repeats, the first is what most would show."""

    kind: bytes
    names: tuple[bytes, ...]
    charset: bytes
    content: bytes

    @property
    def is_text(self) -> bool:
        """Whether a mail program may show the content as text."""
        return self.kind.startswith(b"text/") or not self.kind


def charset_of(content_type: bytes) -> bytes:
    """The charset parameter of a Content-Type as it stands in a header, or nothing."""
    found = _CHARSET.search(content_type)
    return found[1] if found is not None else b""


def all_names(*names: bytes) -> tuple[bytes, ...]:
    """Each name as it is and with its encoded words decoded, without repetition and empty ones."""
    table: dict[bytes, None] = {}
    for name in names:
        table[decode_words(name)] = None
        table[name] = None
    table.pop(b"", None)
    return tuple(table)
