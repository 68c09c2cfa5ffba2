"""Arguments of a query string or an urlencoded body: `a=1&b=2` to decoded names and values.

Called for every request, so it is written for speed: nothing is decoded that holds neither `%` nor `+`.
Invariants: `&` alone separates (WHATWG URL, 5.1); `;` does not, and a value with a `;` is inspected whole. An invalid
`%zz` stays as it is. Names that come more than once are listed each, and once more with their values joined by `,`,
because some servers hand the joined value to the application and an attack can be spread over the pieces.
"""

from __future__ import annotations

from revproxy.codecs.percent import decode_percent
from revproxy.errors import LimitError
from revproxy.model import ContentLimits


def parse_query(query: bytes, limits: ContentLimits) -> tuple[list[bytes], list[bytes]]:
    """Names and values, decoded, two lists of one length; empty pieces (`a=1&&b=2`) are no arguments.

    Raises LimitError for more than `limits.arguments` pieces or a piece over `limits.argument_bytes`.
    """
    names: list[bytes] = []
    values: list[bytes] = []
    if not query:
        return names, values
    if query.count(b"&") >= limits.arguments:
        raise LimitError("arguments", limits.arguments)
    if b"+" in query:
        query = query.replace(b"+", b" ")
    add_name, add_value = names.append, values.append
    for piece in query.split(b"&"):
        name, equals, value = piece.partition(b"=")
        if name or equals:
            add_name(name)
            add_value(value)
    if b"%" in query:
        names = [decode_percent(n) if b"%" in n else n for n in names]
        values = [decode_percent(v) if b"%" in v else v for v in values]
    if len(query) > limits.argument_bytes:
        _check_lengths(names, values, limits.argument_bytes)
    if len(set(names)) != len(names):
        _join_repeated(names, values)
    return names, values


def _check_lengths(names: list[bytes], values: list[bytes], most: int) -> None:
    if max(map(len, names), default=0) > most or max(map(len, values), default=0) > most:
        raise LimitError("argument_bytes", most)


def _join_repeated(names: list[bytes], values: list[bytes]) -> None:
    together: dict[bytes, list[bytes]] = {}
    for name, value in zip(names, values, strict=True):
        together.setdefault(name, []).append(value)
    for name, several in together.items():
        if len(several) > 1:
            names.append(name)
            values.append(b",".join(several))
