"""Sets of bytes as 256-bit numbers: bit n stands for byte n. Cheap to join, to compare and to hash.

White space, words and letters are PCRE's in the C locale: nothing above 0x7f has a case or is part of a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

ALL = (1 << 256) - 1


def of(members: Iterable[int]) -> int:
    """The set of these bytes."""
    mask = 0
    for byte in members:
        mask |= 1 << byte
    return mask


def span(first: int, last: int) -> int:
    """All bytes from `first` to `last`, both included."""
    return (1 << last + 1) - (1 << first)


def members(mask: int) -> Iterator[int]:
    """The bytes of a set, in order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def ranges(mask: int) -> list[tuple[int, int]]:
    """The set as runs (first, last)."""
    out: list[tuple[int, int]] = []
    for byte in members(mask):
        if out and out[-1][1] == byte - 1:
            out[-1] = (out[-1][0], byte)
        else:
            out.append((byte, byte))
    return out


UPPER = span(0x41, 0x5A)
LOWER = span(0x61, 0x7A)
DIGIT = span(0x30, 0x39)
WORD = UPPER | LOWER | DIGIT | 1 << 0x5F
SPACE = of(b" \t\n\v\f\r")
HORIZONTAL = of(b" \t\xa0")
VERTICAL = of(b"\n\v\f\r\x85")
NEWLINE = 1 << 0x0A
NUL = 1
_PRINT = span(0x20, 0x7E)

NAMED = {
    "alnum": UPPER | LOWER | DIGIT,
    "alpha": UPPER | LOWER,
    "ascii": span(0, 0x7F),
    "blank": of(b" \t"),
    "cntrl": span(0, 0x1F) | 1 << 0x7F,
    "digit": DIGIT,
    "graph": span(0x21, 0x7E),
    "lower": LOWER,
    "print": _PRINT,
    "punct": span(0x21, 0x7E) & ~(UPPER | LOWER | DIGIT),
    "space": SPACE,
    "upper": UPPER,
    "word": WORD,
    "xdigit": DIGIT | span(0x41, 0x46) | span(0x61, 0x66),
}
"""What stands between `[:` and `:]`."""


def fold(mask: int) -> int:
    """The set with the other case of each of its ASCII letters."""
    return mask | (mask & UPPER) << 32 | (mask & LOWER) >> 32
