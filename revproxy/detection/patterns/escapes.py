r"""Escapes and bracketed sets of a pattern, and the cursor that reads them.

`\s` holds the vertical tab, `\v` is all vertical white space, `\x5` is one hexadecimal digit, and nothing above 0x7f
has a case: all as in PCRE.
"""

from __future__ import annotations

import re

from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.errors import PatternError
from revproxy.detection.patterns.tree import Anchor, Boundary, Node, Set, Side, alt, literal

_CLASSES = {
    "d": b.DIGIT,
    "w": b.WORD,
    "s": b.SPACE,
    "h": b.HORIZONTAL,
    "v": b.VERTICAL,
    "N": b.ALL & ~b.NEWLINE,
    "C": b.ALL,
}
_CLASSES |= {name.upper(): b.ALL & ~mask for name, mask in _CLASSES.items() if name.islower()}
_SINGLE = {"a": 0x07, "e": 0x1B, "f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09}
_PLACES: dict[str, Node] = {
    "b": Boundary(),
    "B": Boundary(negated=True),
    "A": Anchor(Side.TEXT_BEGIN),
    "z": Anchor(Side.TEXT_END),
    "Z": Anchor(Side.LAST_LINE_END),
    "R": alt((literal(b"\r\n"), Set(b.VERTICAL))),
}
_REFUSED = {
    "G": "the start of the search",
    "K": "a reset of the match",
    "X": "a Unicode cluster",
    "p": "a Unicode property",
    "P": "a Unicode property",
    "g": "a back reference",
    "k": "a back reference",
}
_HEX = re.compile(rb"\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{0,2})")
_OCTAL = re.compile(rb"0[0-7]{0,2}")
_OCTAL_IN_SET = re.compile(rb"[0-7]{1,3}")
_POSIX = re.compile(rb"\[:(\^?)([a-z]{1,9}):\]")


class Reader:
    """A cursor over the bytes of a pattern."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def more(self) -> bool:
        """Whether anything is left."""
        return self.at < len(self.data)

    def peek(self) -> int:
        """The byte under the cursor; there must be one."""
        return self.data[self.at]

    def peek_is(self, *leads: bytes) -> bool:
        """Whether one of these comes next."""
        return self.data.startswith(leads, self.at)

    def next(self) -> int:
        """The byte under the cursor, passed."""
        self.at += 1
        return self.data[self.at - 1]

    def take(self, text: bytes) -> bool:
        """Pass `text` when it comes next."""
        if not self.data.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def skip_past(self, text: bytes, what: str, start: int) -> None:
        """Go on behind the next `text`."""
        end = self.data.find(text, self.at)
        if end < 0:
            raise PatternError(f"{what} without its end", start)
        self.at = end + len(text)


def read_escape(reader: Reader, start: int, fold: bool) -> Node:
    """The node for an escape outside a set; the cursor stands behind the backslash at `start`."""
    if not reader.more():
        raise PatternError("a backslash at the end", start)
    letter = chr(reader.peek())
    if letter in _PLACES:
        reader.at += 1
        return _PLACES[letter]
    if letter in "123456789":
        raise PatternError("a back reference cannot be matched without backtracking", start)
    mask = _mask(reader, start)
    return Set(b.fold(mask) if fold else mask)


def _mask(reader: Reader, start: int) -> int:
    """The bytes that an escape stands for, in a set or outside."""
    byte = reader.peek()
    letter = chr(byte)
    if letter == "x":
        return 1 << _hexadecimal(reader, start)
    if letter == "0":
        octal = _OCTAL.match(reader.data, reader.at)
        assert octal is not None
        reader.at = octal.end()
        return 1 << int(octal[0], 8)
    reader.at += 1
    if letter == "c":
        return 1 << _control(reader, start)
    if letter in _CLASSES:
        return _CLASSES[letter]
    if letter in _SINGLE:
        return 1 << _SINGLE[letter]
    if byte < 0x80 and letter.isalnum():
        what = _REFUSED.get(letter, "an escape without a meaning")
        raise PatternError(f"'\\{letter}': {what} is not supported", start)
    return 1 << byte


def _hexadecimal(reader: Reader, start: int) -> int:
    match = _HEX.match(reader.data, reader.at + 1)
    assert match is not None
    reader.at = match.end()
    if match[1] is None:
        if reader.peek_is(b"{") and not match[2]:
            raise PatternError("'\\x{' without digits and '}'", start)
        return int(match[2] or b"0", 16)
    value = int(match[1], 16)
    if value > 0xFF:
        raise PatternError("a pattern is over bytes: nothing above \\xff", start)
    return value


def _control(reader: Reader, start: int) -> int:
    if not reader.more() or not 0x20 <= reader.peek() < 0x7F:
        raise PatternError("'\\c' needs a printable character", start)
    return ord(chr(reader.next()).upper()) ^ 0x40


def read_set(reader: Reader, start: int, fold: bool) -> int:
    """The bytes of `[...]`; the cursor stands behind the bracket at `start`."""
    negated = reader.take(b"^")
    mask = 0
    first = True
    while first or not reader.peek_is(b"]"):
        if not reader.more():
            raise PatternError("'[' without ']'", start)
        first = False
        mask |= _set_item(reader)
    reader.at += 1
    if fold:
        mask = b.fold(mask)
    if negated:
        mask = b.ALL & ~mask
    if not mask:
        raise PatternError("a set that holds no byte never matches", start)
    return mask


def _set_item(reader: Reader) -> int:
    """One byte, range or class of a set."""
    begin = reader.at
    posix = _POSIX.match(reader.data, begin)
    if posix is not None:
        return _posix(reader, posix)
    low = _set_member(reader)
    single = low & (low - 1) == 0
    if not single or not reader.peek_is(b"-") or reader.data[reader.at + 1 : reader.at + 2] in (b"]", b""):
        return low
    dash = reader.at
    reader.at += 1
    if _POSIX.match(reader.data, reader.at):
        reader.at = dash
        return low
    high = _set_member(reader)
    if high & (high - 1):
        # A class after the dash: the dash is itself, as in PCRE.
        return low | high | 1 << 0x2D
    if high < low:
        raise PatternError("a range in the wrong order", begin)
    return (high << 1) - low


def _posix(reader: Reader, match: re.Match[bytes]) -> int:
    mask = b.NAMED.get(match[2].decode("ascii"))
    if mask is None:
        raise PatternError("unknown class name", match.start())
    reader.at = match.end()
    return b.ALL & ~mask if match[1] else mask


def _set_member(reader: Reader) -> int:
    start = reader.at
    byte = reader.next()
    if byte != 0x5C:
        return 1 << byte
    if not reader.more():
        raise PatternError("a backslash at the end", start)
    if reader.take(b"b"):
        return 1 << 0x08
    if reader.peek_is(b"B", b"R", b"X", b"N"):
        raise PatternError("this escape has no meaning in a set", start)
    octal = _OCTAL_IN_SET.match(reader.data, reader.at)
    if octal is not None:
        reader.at = octal.end()
        return 1 << (int(octal[0], 8) & 0xFF)
    return _mask(reader, start)
