"""What the linker does with trees: narrow them to an alphabet, make them safe for joined values, fold a
byte-to-byte transformation into them, and drop what only matters to the length of a match.

Every operation is exact for the question "is there a match", and says in its docstring when it is for that only.
None as a result means: can never match. Groups stay where they are; trees that no one captures from are `bare` first.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache

from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.errors import UnjoinableError
from revproxy.detection.patterns.tree import (
    BEGINS,
    EMPTY,
    Alt,
    Anchor,
    Boundary,
    Cat,
    Empty,
    Group,
    Node,
    Repeat,
    Set,
    Side,
    alt,
    cat,
    is_run,
    rebuild,
)


def bare(node: Node) -> Node:
    """Without groups."""
    match node:
        case Group(item):
            return bare(item)
        case Cat(items):
            return node if is_run(items) else cat(map(bare, items))
        case Alt(items):
            return alt(map(bare, items))
        case Repeat(item, low, high, lazy):
            return Repeat(bare(item), low, high, lazy)
        case _:
            return node


def intersect(node: Node, alphabet: int) -> Node | None:
    """The part of the language whose consumed bytes all lie in the alphabet.

    For values made only of these bytes, it matches exactly where the whole pattern does.
    """

    def leaf(part: Node) -> Node | None:
        if not isinstance(part, Set):
            return part
        mask = part.mask & alphabet
        return part if mask == part.mask else Set(mask) if mask else None

    return rebuild(node, leaf)


def preimage(node: Node, table: bytes) -> Node | None:
    """The pattern that matches v exactly where this one matches v.translate(table).

    `table` has 256 entries. Raises ValueError when it would move an anchor: it must keep newlines and, for a
    pattern with a word boundary, what is a word byte.
    """

    def leaf(part: Node) -> Node | None:
        match part:
            case Set(mask):
                sources = _sources(mask, table)
                return part if sources == mask else Set(sources) if sources else None
            case Boundary() if not _keeps_words(table):
                raise ValueError("the transformation moves word boundaries")
            case Anchor(Side.LINE_BEGIN | Side.LINE_END | Side.LAST_LINE_END) if (
                _sources(b.NEWLINE, table) != b.NEWLINE
            ):
                raise ValueError("the transformation moves line ends")
            case _:
                return part

    return rebuild(node, leaf)


@lru_cache(maxsize=1024)
def _sources(mask: int, table: bytes) -> int:
    """The bytes that become a member of the set."""
    return b.of(byte for byte, image in enumerate(table) if mask >> image & 1)


def _keeps_words(table: bytes) -> bool:
    return all(b.WORD >> byte & 1 == b.WORD >> image & 1 for byte, image in enumerate(table))


def min_length(node: Node) -> int:
    """The fewest bytes that a match consumes."""
    match node:
        case Set():
            return 1
        case Cat(items):
            return sum(map(min_length, items))
        case Alt(items):
            return min(map(min_length, items))
        case Repeat(item, low):
            return low * min_length(item) if low else 0
        case Group(item):
            return min_length(item)
        case _:
            return 0


def max_length(node: Node) -> int | None:
    """The most bytes that a match consumes; None without a limit."""
    match node:
        case Set():
            return 1
        case Cat(items) | Alt(items):
            lengths = [max_length(item) for item in items]
            known = [length for length in lengths if length is not None]
            if len(known) < len(lengths):
                return None
            return sum(known) if isinstance(node, Cat) else max(known)
        case Repeat(item, _, high):
            length = max_length(item)
            if length == 0:
                return 0
            return None if high is None or length is None else high * length
        case Group(item):
            return max_length(item)
        case _:
            return 0


def has_place(node: Node) -> bool:
    """Whether an anchor or a boundary stands anywhere in it."""
    match node:
        case Anchor() | Boundary():
            return True
        case Cat(items) | Alt(items):
            return any(map(has_place, items))
        case Repeat(item) | Group(item):
            return has_place(item)
        case _:
            return False


def size(node: Node) -> int:
    """How large an automaton for it is, roughly, in byte positions; repetitions count up to 50 times."""
    match node:
        case Cat(items) | Alt(items):
            return 1 + sum(map(size, items))
        case Repeat(item, low, high):
            return size(item) * max(1, min(high or low or 1, 50))
        case Group(item):
            return size(item)
        case _:
            return 1


def matches_empty(node: Node) -> bool:
    """Whether it matches the empty string anywhere, with no condition on the place."""
    match node:
        case Empty():
            return True
        case Cat(items):
            return all(map(matches_empty, items))
        case Alt(items):
            return any(map(matches_empty, items))
        case Repeat(item, low):
            return low == 0 or matches_empty(item)
        case Group(item):
            return matches_empty(item)
        case _:
            return False


def trim(node: Node) -> Node:
    """A smaller pattern without groups that a search finds in exactly the same values (at other places)."""
    return _trim(bare(node), True, True)


def _trim(node: Node, left: bool, right: bool) -> Node:
    """`left`, `right`: nothing of the pattern stands before, after this part."""
    if matches_empty(node) and (left or right):
        return EMPTY
    match node:
        case Alt(items):
            return alt([_trim(item, left, right) for item in items])
        case Repeat(item, low, _, lazy) if left or right:
            # At an edge more than the fewest repetitions add nothing.
            return _trim(item, left, right) if low == 1 else Repeat(item, low, low, lazy)
        case Cat(items):
            return node if is_run(items) else _trim_cat(list(items), left, right)
        case _:
            return node


def _trim_cat(items: list[Node], left: bool, right: bool) -> Node:
    while left and items and matches_empty(items[0]):
        items.pop(0)
    while right and items and matches_empty(items[-1]):
        items.pop()
    if len(items) == 1:
        return _trim(items[0], left, right)
    if items and left:
        items[0] = _trim(items[0], True, False)
    if items and right:
        items[-1] = _trim(items[-1], False, True)
    return cat(items)


class _Near(Enum):
    """What lies between a part and the beginning (or end) of the match."""

    EDGE = auto()
    """nothing"""
    INSIDE = auto()
    """at least one byte"""
    UNSURE = auto()


def separator_safe(node: Node, stand_in: int = 0) -> Node | None:
    """The pattern for values joined with NUL: it matches the joined text exactly when this one matches a value.

    For values without NUL. What takes a NUL takes the bytes of `stand_in` too, so that a value whose NULs were
    replaced by one of them is matched wherever the value is (and perhaps elsewhere). No consumed byte is NUL, and
    anchors at the edge of the pattern accept one beside them. The result has no groups. Raises UnjoinableError where
    an anchor stands in a place that this cannot say exactly.
    """
    return _safe(bare(node), _Near.EDGE, _Near.EDGE, stand_in)


def _safe(node: Node, before: _Near, after: _Near, stand_in: int) -> Node | None:
    match node:
        case Set(mask):
            if not mask & b.NUL:
                return node
            kept_bytes = (mask | stand_in) & ~b.NUL
            return Set(kept_bytes) if kept_bytes else None
        case Anchor(side):
            return _safe_anchor(node, before if side in BEGINS else after)
        case Alt(items):
            kept = [part for part in (_safe(item, before, after, stand_in) for item in items) if part is not None]
            return alt(kept) if kept else None
        case Cat(items):
            if is_run(items):
                # Nothing in it asks what is beside it.
                return rebuild(node, lambda part: _safe(part, before, after, stand_in))
            return _safe_cat(items, before, after, stand_in)
        case Repeat(item, low, high, lazy):
            once = high is not None and high <= 1
            edges = (before, after) if once else (_Near.UNSURE, _Near.UNSURE)
            part = _safe(item, *edges, stand_in)
            if part is None:
                return None if low else EMPTY
            return Repeat(part, low, high, lazy)
        case _:
            return node


def _safe_cat(items: tuple[Node, ...], before: _Near, after: _Near, stand_in: int) -> Node | None:
    befores = _nearness(items, before)
    afters = _nearness(items[::-1], after)[::-1]
    parts = [_safe(*each, stand_in) for each in zip(items, befores, afters, strict=True)]
    kept = [part for part in parts if part is not None]
    return cat(kept) if len(kept) == len(parts) else None


def _nearness(items: tuple[Node, ...], near: _Near) -> list[_Near]:
    """For each item, what lies between it and the edge on this side."""
    out = []
    for item in items:
        out.append(near)
        if min_length(item):
            near = _Near.INSIDE
        elif near is _Near.EDGE:
            near = _Near.UNSURE
    return out


def _safe_anchor(node: Anchor, near: _Near) -> Node | None:
    whole = node.side in (Side.TEXT_BEGIN, Side.TEXT_END)
    if near is _Near.EDGE:
        joint: Node = Set(b.NUL)
        if node.side is Side.LAST_LINE_END:
            joint = cat((Repeat(Set(b.NEWLINE), 0, 1), joint))
        return alt((node, joint))
    if near is _Near.INSIDE and whole:
        return None
    if near is _Near.INSIDE and node.side in (Side.LINE_BEGIN, Side.LINE_END):
        return node
    raise UnjoinableError("an anchor stands neither at the edge of the pattern nor surely inside it")
