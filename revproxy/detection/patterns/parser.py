r"""Pattern text to tree: the part of PCRE that rules use.

Everything that needs backtracking (look-around, back references, recursion, atomic groups, possessive quantifiers,
conditions, verbs) is a `PatternError`, not a guess. Text is bytes: characters of a `str` stand for their UTF-8
bytes, as in PCRE without its UTF mode. The nesting of groups is limited, so hostile rule text cannot exhaust the
stack. What a set or an escape means is `escapes`' matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.errors import PatternError
from revproxy.detection.patterns.escapes import Reader, read_escape, read_set
from revproxy.detection.patterns.tree import EMPTY, Anchor, Boundary, Group, Node, Repeat, Set, Side, alt, cat

DEEPEST = 100
MOST_QUANTIFIERS = 4
"""On one piece, one after the other."""
MOST_REPEATS = 65_535
"""PCRE's own limit."""

_BRACES = re.compile(rb"\{([0-9]{1,9})(?:(,)([0-9]{0,9}))?\}")
_FLAGS = re.compile(rb"([imsx]*)(?:-([imsx]*))?([:)])")
_NAME = re.compile(rb"(?:P?<|')([A-Za-z_][A-Za-z0-9_]{0,31})[>']")
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"?=", "look-ahead"),
    (b"?!", "negative look-ahead"),
    (b"?<=", "look-behind"),
    (b"?<!", "negative look-behind"),
    (b"?>", "an atomic group"),
    (b"?P=", "a back reference"),
    (b"?P>", "recursion"),
    (b"?&", "recursion"),
    (b"?R", "recursion"),
    (b"?(", "a condition"),
    (b"?|", "a branch reset"),
    (b"*", "a verb"),
)


@dataclass(frozen=True, slots=True)
class Flags:
    """How letters, dots, anchors and blanks are read: `(?i)`, `(?s)`, `(?m)`, `(?x)`."""

    i: bool = False
    s: bool = True
    m: bool = True
    x: bool = False


RX = Flags()
"""What libmodsecurity 3 compiles `@rx` with: dot-all and multi-line."""


def parse(text: str | bytes, flags: Flags = RX) -> Node:
    """The tree of a pattern.

    Raises PatternError with the place (in characters of `text`) of what is wrong or cannot be matched without
    backtracking.
    """
    return _parsed(text, flags)


@lru_cache(maxsize=4096)
def _parsed(text: str | bytes, flags: Flags) -> Node:
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    try:
        return _Parser(data).whole(flags)
    except PatternError as error:
        if isinstance(text, str):
            error.offset = _characters(text, error.offset)
        raise


def forget() -> None:
    """Let go of trees that were read: linking asks for each several times, and they are large."""
    _parsed.cache_clear()


def _characters(text: str, offset: int) -> int:
    """The character that a byte of the encoded text belongs to."""
    for at, character in enumerate(text):
        offset -= len(character.encode("utf-8", "surrogateescape"))
        if offset < 0:
            return at
    return len(text)


class _Parser:
    """One pass over one pattern."""

    def __init__(self, data: bytes) -> None:
        self.reader = Reader(data)
        self.groups = 0
        self.depth = 0

    def whole(self, flags: Flags) -> Node:
        node = self.alternation(flags)
        if self.reader.more():
            raise PatternError("')' without '('", self.reader.at)
        return node

    def alternation(self, flags: Flags) -> Node:
        """Up to `)` or the end. A flag set inside holds for the branches after it too, as in PCRE."""
        branches: list[Node] = []
        reader = self.reader
        while True:
            branch, flags = self.branch(flags)
            branches.append(branch)
            if not reader.take(b"|"):
                return alt(branches)

    def branch(self, flags: Flags) -> tuple[Node, Flags]:
        reader = self.reader
        items: list[Node] = []
        while reader.more() and reader.peek() not in b"|)":
            if flags.x and self.skip_blank():
                continue
            if reader.take(rb"\E"):
                continue
            if reader.take(rb"\Q"):
                items.extend(self.quoted(flags))
                continue
            start = reader.at
            got = self.flag_change(flags)
            if got is not None:
                flags = got
                continue
            node = self.atom(flags)
            if node is not None:
                items.append(self.quantified(node, start))
        return cat(items), flags

    def skip_blank(self) -> bool:
        reader = self.reader
        if reader.peek() in b" \t\n\r\v\f":
            reader.at += 1
            return True
        if reader.take(b"#"):
            end = reader.data.find(b"\n", reader.at)
            reader.at = len(reader.data) if end < 0 else end + 1
            return True
        return False

    def quoted(self, flags: Flags) -> list[Node]:
        r"""What stands between `\Q` and `\E`; a quantifier after it holds for the last byte."""
        reader = self.reader
        start = reader.at
        end = reader.data.find(rb"\E", start)
        text = reader.data[start:] if end < 0 else reader.data[start:end]
        reader.at = len(reader.data) if end < 0 else end + 2
        nodes: list[Node] = [_letter(byte, flags) for byte in text]
        if nodes:
            nodes[-1] = self.quantified(nodes[-1], start)
        return nodes

    def flag_change(self, flags: Flags) -> Flags | None:
        """`(?i)` and its like: the flags from here on."""
        reader = self.reader
        if not reader.data.startswith(b"(?", reader.at):
            return None
        match = _FLAGS.match(reader.data, reader.at + 2)
        if match is None or match[3] != b")":
            return None
        reader.at = match.end()
        return _changed(flags, match)

    def atom(self, flags: Flags) -> Node | None:
        """One piece before its quantifier; None for a comment."""
        reader = self.reader
        start = reader.at
        byte = reader.next()
        match byte:
            case 0x28:
                return self.group(flags, start)
            case 0x5B:
                return Set(read_set(reader, start, flags.i))
            case 0x5C:
                return read_escape(reader, start, flags.i)
            case 0x2E:
                return Set(b.ALL if flags.s else b.ALL & ~b.NEWLINE)
            case 0x5E:
                return Anchor(Side.LINE_BEGIN if flags.m else Side.TEXT_BEGIN)
            case 0x24:
                return Anchor(Side.LINE_END if flags.m else Side.LAST_LINE_END)
            case 0x2A | 0x2B | 0x3F:
                raise PatternError(f"nothing for '{chr(byte)}' to repeat", start)
            case 0x7B if _BRACES.match(reader.data, start):
                raise PatternError("nothing for '{' to repeat", start)
            case _:
                return _letter(byte, flags)

    def group(self, flags: Flags, start: int) -> Node | None:
        reader = self.reader
        if reader.take(b"?#"):
            reader.skip_past(b")", "comment", start)
            return None
        index = 0
        name = _NAME.match(reader.data, reader.at + 1) if reader.peek_is(b"?") else None
        if name is not None:
            reader.at = name.end()
        if name is not None or not reader.peek_is(b"?", b"*"):
            self.groups += 1
            index = self.groups
        else:
            flags = self.group_flags(flags, start)
        return self.inside(flags, start, index)

    def group_flags(self, flags: Flags, start: int) -> Flags:
        """`(?:` or `(?i:`; anything else is refused by name."""
        reader = self.reader
        match = _FLAGS.match(reader.data, reader.at + 1) if reader.peek_is(b"?") else None
        if match is None:
            for lead, what in _REFUSED:
                if reader.peek_is(lead):
                    raise PatternError(f"{what} cannot be matched without backtracking", start)
            if reader.data[reader.at + 1 : reader.at + 2].lstrip(b"+-").isdigit():
                raise PatternError("recursion cannot be matched without backtracking", start)
            raise PatternError("unknown kind of group", start)
        reader.at = match.end()
        return _changed(flags, match)

    def inside(self, flags: Flags, start: int, index: int) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise PatternError(f"more than {DEEPEST} groups inside each other", start)
        node = self.alternation(flags)
        self.depth -= 1
        if not self.reader.take(b")"):
            raise PatternError("'(' without ')'", start)
        return Group(node, index) if index else node

    def quantified(self, node: Node, start: int) -> Node:
        """The piece with the quantifiers that follow it."""
        reader = self.reader
        count = 0
        while (bounds := self.bounds()) is not None:
            count += 1
            if count > MOST_QUANTIFIERS:
                raise PatternError("too many quantifiers on one piece", start)
            if isinstance(node, Anchor | Boundary):
                raise PatternError("an anchor cannot be repeated", start)
            low, high = bounds
            if max(low, high or 0) > MOST_REPEATS or (high is not None and high < low):
                raise PatternError("bounds of a repetition are too large or in the wrong order", start)
            lazy = reader.take(b"?")
            if not lazy and reader.peek_is(b"+"):
                raise PatternError("a possessive quantifier cannot be matched without backtracking", reader.at)
            node = EMPTY if high == 0 and not _captures(node) else Repeat(node, low, high, lazy)
            if reader.peek_is(b"*", b"+", b"?"):
                raise PatternError(f"nothing for '{chr(reader.peek())}' to repeat", reader.at)
        return node

    def bounds(self) -> tuple[int, int | None] | None:
        reader = self.reader
        if reader.take(b"*"):
            return 0, None
        if reader.take(b"+"):
            return 1, None
        if reader.take(b"?"):
            return 0, 1
        match = _BRACES.match(reader.data, reader.at)
        if match is None:
            return None
        reader.at = match.end()
        low = int(match[1])
        if match[2] is None:
            return low, low
        return low, int(match[3]) if match[3] else None


def _letter(byte: int, flags: Flags) -> Node:
    mask = 1 << byte
    return Set(b.fold(mask) if flags.i else mask)


def _changed(flags: Flags, match: re.Match[bytes]) -> Flags:
    changes = {chr(c): True for c in match[1]} | {chr(c): False for c in match[2] or b""}
    return replace(flags, **changes)


def _captures(node: Node) -> bool:
    """Whether a part that can never run holds a group, which must keep its number."""
    match node:
        case Group():
            return True
        case Repeat(item):
            return _captures(item)
        case _:
            items: tuple[Node, ...] = getattr(node, "items", ())
            return any(map(_captures, items))
