"""Arguments of a query string or an urlencoded body: `a=1&b=2` to decoded names and values.

Called for every request, so it is written for speed: nothing is decoded that holds neither `%` nor `+`.
Invariants: `&` alone separates (WHATWG URL, 5.1); `;` does not, and a value with a `;` is inspected whole. An invalid
`%zz` stays as it is. An empty piece is an argument without name and value, unless it is the last, as in
libmodsecurity 3. Values of names that come more than once can be had joined as well, because some servers hand the
joined value to the application and an attack can be spread over the pieces.
"""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.marks import PERCENT
from revproxy.codecs.percent import decode_percent
from revproxy.errors import LimitError
from revproxy.model import ContentLimits

_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PLUS_AS_SPACE: Final = bytes(range(256)).replace(b"+", b" ")


def parse_query(query: bytes, limits: ContentLimits) -> tuple[list[bytes], list[bytes]]:
    """Names and values, decoded, two lists of one length.

    Raises LimitError for more than `limits.arguments` pieces or a piece over `limits.argument_bytes`.
    """
    names: list[bytes] = []
    values: list[bytes] = []
    if not query:
        return names, values
    pieces = query.translate(_PLUS_AS_SPACE).split(b"&", limits.arguments)
    if len(pieces) > limits.arguments:
        raise LimitError("arguments", limits.arguments)
    if not pieces[-1]:
        pieces.pop()
    for piece in pieces:
        name, _, value = piece.partition(b"=")
        names.append(name)
        values.append(value)
    if PERCENT in query:
        names = [decode_percent(n) if PERCENT in n else n for n in names]
        values = [decode_percent(v) if PERCENT in v else v for v in values]
    if len(query) > limits.argument_bytes:
        _check_lengths(names, values, limits.argument_bytes)
    return names, values


def joined(names: list[bytes], values: list[bytes]) -> list[tuple[bytes, bytes]]:
    """For each name that comes more than once, the name and its values joined by `,`."""
    if len(set(names)) == len(names):
        return []
    together: dict[bytes, list[bytes]] = {}
    for name, value in zip(names, values, strict=True):
        together.setdefault(name, []).append(value)
    return [(name, b",".join(several)) for name, several in together.items() if len(several) > 1 and any(several)]


def broken_escapes(query: bytes) -> bool:
    """Whether a `%` stands in it that two hexadecimal digits do not follow."""
    return PERCENT in query and _BROKEN_ESCAPE.search(query) is not None


def _check_lengths(names: list[bytes], values: list[bytes], most: int) -> None:
    if max(map(len, names), default=0) > most or max(map(len, values), default=0) > most:
        raise LimitError("argument_bytes", most)
