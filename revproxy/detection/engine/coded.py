"""Which values base64 may decode, after the transformations that rules carry out before it.

Invariant: a value without a NUL that is left out is not decoded; what is chosen need not be.
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import Final

from revproxy.codecs.marks import BACKSLASH, EQUALS, NEWLINE, PERCENT, PLUS
from revproxy.detection.link import Group
from revproxy.detection.link.chains import LONG_BASE64
from revproxy.detection.link.hints import CODED

QUAD: Final = 4
"""Digits that hold three bytes."""
_BLANKS: Final = b" \t\n\r\v\f\xa0\xc2"
_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/"
"""Digits that no transformation takes for anything else."""


def shortest(group: Group) -> int:
    """The fewest bytes of a value that base64 makes something of, for the group's items."""
    names = [group.items[item].chain[at] for item, at in group.coded.items()]
    return 2 * QUAD if all(name == LONG_BASE64 for name in names) else QUAD


class Decodable:
    """Values that base64 may decode: those of which it is known what they decode to, that, and the others."""

    __slots__ = ("decoded", "others", "plain")

    def __init__(self) -> None:
        self.plain: list[bytes] = []
        self.decoded: list[bytes] = []
        self.others: list[bytes] = []


def decodable(values: list[bytes], data: bytes, fewest: int) -> Decodable:
    """Those of at least so many bytes that are made of digits, white space and escapes alone.

    None has a NUL, and `data` is all of them joined with it.
    """
    found = Decodable()
    marked = _is_marked(data)
    texts = data.translate(None, _BLANKS).split(b"\0")
    for at in range(len(values)):
        value = values[at]
        if len(value) < fewest:
            continue
        text = texts[at]
        if marked and _is_marked(value):
            if not value.translate(None, CODED):
                found.others.append(value)
        # The length rules out most at no cost.
        elif not len(text) & 3 and (text.isalnum() or not text.translate(None, _PLAIN)):
            found.plain.append(value)
            found.decoded.append(a2b_base64(text))
    return found


def _is_marked(data: bytes) -> bool:
    """Whether there is something that transformations may make digits of, or that base64 takes for more than one."""
    return PERCENT in data or EQUALS in data or PLUS in data or BACKSLASH in data or NEWLINE in data
