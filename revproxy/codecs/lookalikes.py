"""Characters that an application may take for ASCII: compatibility forms, look-alikes, overlong UTF-8.

Normalising by NFKC turns fullwidth, mathematical, circled and other forms into plain letters; databases and file
systems fit quotes and slashes to the nearest that they know; lenient decoders read overlong sequences. What any of
them makes ASCII of, this does. Nothing else is changed: text of other scripts stays as it is. Pure and linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import normalize

SEQUENCES = (
    r"[\xc0\xc1][\x80-\xbf]|\xc2[\xa0-\xbf]|\xc4[\xb2\xb3]|\xc5[\x80-\xbf]|\xc7[\x80-\xbf]|[\xca\xcb][\x80-\xbf]"
    r"|\xcd[\xb0-\xbf]|\xe0[\x80\x81][\x80-\xbf]|\xe1[\xb4-\xb6][\x80-\xbf]|\xe2[\x80-\xb1][\x80-\xbf]"
    r"|\xe3[\x80\x88-\x8f][\x80-\xbf]|\xef[\xac\xb8-\xbd][\x80-\xbf]|\xef\xbb\xbf"
    r"|\xf0\x80[\x80\x81][\x80-\xbf]|\xf0\x9d[\x90-\x9f][\x80-\xbf]|\xf0\x9f[\x84\x85][\x80-\xbf]"
)
"""Where such a character may stand, as a pattern over bytes."""
_BLOCKS = (
    range(0xA0, 0x400),
    range(0x1D00, 0x1E00),
    range(0x2000, 0x2C80),
    range(0x3000, 0x3400),
    range(0xFB00, 0x10000),
    range(0x1D400, 0x1D800),
    range(0x1F100, 0x1F200),
)
_NEAREST = {
    "'": "\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u2018\u2019\u201b\u2032\u2035\u00b4",
    '"': "\u02ba\u2033\u275d\u275e",
    "<": "\u2039\u276e\u2770",
    ">": "\u203a\u276f\u2771",
    "/": "\u2044\u2215\u29f8\u2571",
    "\\": "\u2216\u29f5\u29f9\u2572",
    ".": "\u3002\u2219",
    "-": "\u2010\u2011\u2012\u2013\u2212\u02d7",
    ":": "\u2236\u02d0",
    "|": "\u2223\u01c0",
    "*": "\u2217\u204e",
    "(": "\u2768\u27ee",
    ")": "\u2769\u27ef",
    "\n": "\u2028\u2029",
    "": "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\ufeff",
}
"""What is fitted to the nearest, and what is passed over, beyond what NFKC does. Double quotes and brackets of which
texts are full are left out."""

_SEQUENCE = re.compile(SEQUENCES.encode("ascii"), re.DOTALL)


def _overlong() -> Iterator[tuple[bytes, bytes]]:
    """Longer forms of ASCII, but for NUL: a NUL would end more than a character."""
    for code in range(1, 128):
        high, low = 0x80 | code >> 6, 0x80 | code & 0x3F
        for sequence in (bytes((0x40 | high, low)), bytes((0xE0, high, low)), bytes((0xF0, 0x80, high, low))):
            yield sequence, bytes((code,))


def _compatible() -> Iterator[tuple[bytes, bytes]]:
    for character in (chr(code) for block in _BLOCKS for code in block):
        plain = normalize("NFKC", character)
        if plain.isascii():
            yield character.encode("utf-8", "surrogatepass"), plain.encode("ascii")


def _nearest() -> Iterator[tuple[bytes, bytes]]:
    for plain, characters in _NEAREST.items():
        yield from ((character.encode(), plain.encode("ascii")) for character in characters)


_PLAIN: dict[bytes, bytes] = {**dict(_overlong()), **dict(_compatible()), **dict(_nearest())}


def fold_lookalikes(value: bytes) -> bytes:
    """The value with such characters as ASCII."""
    if value.isascii():
        return value
    return _SEQUENCE.sub(lambda found: _PLAIN.get(found[0], found[0]), value)
