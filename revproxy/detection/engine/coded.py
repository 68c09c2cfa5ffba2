"""Which values base64 may decode, after the transformations that rules carry out before it.

Invariant: a value without a NUL that is left out is not decoded; what is chosen need not be.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from revproxy.codecs.marks import NEWLINE
from revproxy.detection.link import Group
from revproxy.detection.link.chains import LONG_BASE64
from revproxy.detection.link.hints import CODED

QUAD = 4
"""Digits that hold three bytes."""
_BLANKS = b" \t\n\r\v\f\xa0\xc2"
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/"
"""Digits that no transformation takes for anything else."""
_PLAIN_AND_NUL = _PLAIN + b"\0"


def shortest(group: Group) -> int:
    """The fewest bytes of a value that base64 makes something of, for the group's items."""
    names = [group.items[item].chain[at] for item, at in group.coded.items()]
    return 2 * QUAD if all(name == LONG_BASE64 for name in names) else QUAD


class Decodable(NamedTuple):
    """Values that base64 may decode: those of which it is known what they decode to, that, and the others."""

    plain: list[bytes]
    decoded: list[bytes]
    others: list[bytes]


def decodable(values: Sequence[bytes], fewest: int) -> Decodable:
    """Those of at least so many bytes that are made of digits, white space and escapes alone. None has a NUL."""
    if not values:
        return Decodable([], [], [])
    # What else is in each of them.
    others = b"\0".join(values).translate(None, CODED).split(b"\0")
    some = [v for v, other in zip(values, others, strict=True) if not other and len(v) >= fewest]
    if not some:
        return Decodable([], [], [])
    joined = b"\0".join(some)
    digits = joined.translate(None, _BLANKS)
    rows = zip(some, digits.split(b"\0"), strict=False)
    if NEWLINE in joined or digits.translate(None, _PLAIN_AND_NUL):
        return _sorted(rows)
    quads = [row for row in rows if not len(row[1]) & 3]
    return Decodable([value for value, _ in quads], [a2b_base64(text) for _, text in quads], [])


def _sorted(rows: Iterable[tuple[bytes, bytes]]) -> Decodable:
    """Values and their digits, where some are not of plain digits alone."""
    plain, decoded, others = found = Decodable([], [], [])
    for value, digits in rows:
        if NEWLINE in value or digits.translate(None, _PLAIN):
            others.append(value)
        elif not len(digits) & 3:
            plain.append(value)
            decoded.append(a2b_base64(digits))
    return found
