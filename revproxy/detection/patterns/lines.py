"""Line beginnings as PCRE and Hyperscan have them, for google-re2, which has them otherwise.

In PCRE a line begins after a newline, but not after one that ends the value; in google-re2 it begins there too. The
difference shows only where a match can end right at `^`: `^$` is found in `a\\n` by one and not by the other, so that
`!@rx ^[0-9]*$` would be blind to whatever ends in a newline. google-re2 has no look-ahead to say it with; but a match
either ends before the value does, and then a byte follows it, or no line may begin at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.operations import bare, min_length
from revproxy.detection.patterns.tree import (
    EMPTY,
    Alt,
    Anchor,
    Cat,
    Group,
    Node,
    Repeat,
    Set,
    Side,
    alt,
    cat,
    literal,
    rebuild,
)

_LAST = Anchor(Side.LAST_LINE_END)


def strict(node: Node) -> Node | None:
    """A tree in which google-re2 finds a match exactly where PCRE does; None when that is this one.

    It has no groups, and a match of it may be a byte longer. Only values that end in a newline need it.
    """
    if not _may_end_at_line_begin(node):
        return None
    plain = bare(node)
    ends = _ends(plain)
    later = cat((plain, Set(b.ALL))), _before_last_newline(plain)
    return alt(part for part in (ends.some, ends.empty, *later) if part is not None)


def _before_last_newline(plain: Node) -> Node | None:
    """What ends at `\\Z` right before the newline that ends the value: written out, since `\\Z` alone may pass it."""
    opened = rebuild(plain, lambda part: Anchor(Side.LINE_END) if part == _LAST else part)
    return None if opened is None or opened == plain else cat((opened, literal(b"\n"), Anchor(Side.TEXT_END)))


def _may_end_at_line_begin(node: Node) -> bool:
    """Whether nothing need be consumed after some line beginning."""
    match node:
        case Anchor(side):
            return side is Side.LINE_BEGIN
        case Alt(items):
            return any(map(_may_end_at_line_begin, items))
        case Repeat(item) | Group(item):
            return _may_end_at_line_begin(item)
        case Cat(items):
            for item in reversed(items):
                if _may_end_at_line_begin(item):
                    return True
                if min_length(item):
                    return False
    return False


@dataclass(frozen=True, slots=True)
class _Ends:
    """A part that ends the pattern, as two: what consumes nothing, and what consumes something.

    In neither does a line begin at the end of the match, unless the text does. None: can never match.
    """

    empty: Node | None
    some: Node | None


def _ends(node: Node) -> _Ends:
    match node:
        case Set():
            return _Ends(None, node)
        case Anchor(Side.LINE_BEGIN):
            return _Ends(Anchor(Side.TEXT_BEGIN), None)
        case Alt(items):
            parts = [_ends(item) for item in items]
            return _Ends(_either(*(p.empty for p in parts)), _either(*(p.some for p in parts)))
        case Cat(items):
            return _ends_of_cat(items)
        case Repeat(item, low, high):
            return _ends_of_repeat(item, low, high)
        case _:
            return _Ends(node, None)


def _ends_of_cat(items: tuple[Node, ...]) -> _Ends:
    rest = _Ends(EMPTY, None)
    for item in reversed(items):
        ends = _ends(item)
        # Where something is consumed afterwards, a line may begin at the end of this item.
        some = _either(_both(item, rest.some), _both(ends.some, rest.empty))
        rest = _Ends(_both(ends.empty, rest.empty), some)
    return rest


def _ends_of_repeat(item: Node, low: int, high: int | None) -> _Ends:
    """The last repetition that consumes something ends it; empty ones after it are as good as one of them."""
    ends = _ends(item)
    empty = ends.empty if low else EMPTY
    if high == 0 or ends.some is None:
        return _Ends(empty, None)
    some: Node | None = cat((_times(item, max(low - 1, 0), high, 1), ends.some))
    if low > 1 and ends.empty is not None:
        some = _either(some, cat((_times(item, 0, high, 2), ends.some, ends.empty)))
    return _Ends(empty, some)


def _times(item: Node, low: int, high: int | None, fewer: int) -> Node:
    most = None if high is None else high - fewer
    return EMPTY if most == 0 else Repeat(item, low, most)


def _either(*parts: Node | None) -> Node | None:
    kept = [part for part in parts if part is not None]
    return alt(kept) if kept else None


def _both(first: Node | None, second: Node | None) -> Node | None:
    return None if first is None or second is None else cat((first, second))
