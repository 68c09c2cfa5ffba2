"""The tree of a pattern, over bytes: what the parser makes, the operations change and the writers write.

Nodes are frozen and compare by content. A tree carries no flags: case, dot and line mode are resolved into byte sets
and kinds of anchors when it is parsed, so every reader of a tree means the same by it. A tree never holds an empty
byte set. Matching does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from operator import is_

from revproxy.detection.patterns import bytesets


class Side(Enum):
    """The zero-width conditions on where in a value a match stands."""

    TEXT_BEGIN = "text begin"
    LINE_BEGIN = "line begin"
    """at the beginning, or after a newline that does not end the value (google-re2 needs `lines.strict` for that)"""
    TEXT_END = "text end"
    LAST_LINE_END = "last line end"
    r"""at the end, or before a newline that ends the value (`\Z`, and `$` outside line mode)"""
    LINE_END = "line end"
    """at the end, or before a newline"""


BEGINS = frozenset({Side.TEXT_BEGIN, Side.LINE_BEGIN})


@dataclass(frozen=True, slots=True)
class Empty:
    """Matches the empty string."""


@dataclass(frozen=True, slots=True)
class Set:
    """One byte out of a set (`bytesets`)."""

    mask: int


@dataclass(frozen=True, slots=True)
class Cat:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """The first of these that leads to a match."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """From `low` to `high` times (None: any number); as few as possible when lazy."""

    item: Node
    low: int
    high: int | None
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A capturing group; the first one has index 1."""

    item: Node
    index: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """A condition on the place."""

    side: Side


@dataclass(frozen=True, slots=True)
class Boundary:
    r"""`\b`, or `\B` when negated."""

    negated: bool = False


Node = Empty | Set | Cat | Alt | Repeat | Group | Anchor | Boundary

EMPTY = Empty()


def cat(items: Iterable[Node]) -> Node:
    """A concatenation without nested ones, empty parts, or a wrapper around one part."""
    flat: list[Node] = []
    for item in items:
        if isinstance(item, Cat):
            flat.extend(item.items)
        elif not isinstance(item, Empty):
            flat.append(item)
    if not flat:
        return EMPTY
    return flat[0] if len(flat) == 1 else Cat(tuple(flat))


def alt(items: Iterable[Node]) -> Node:
    """An alternation without nested ones; single bytes next to each other become one set."""
    flat: list[Node] = []
    for item in items:
        for part in item.items if isinstance(item, Alt) else (item,):
            last = flat[-1] if flat else None
            if isinstance(part, Set) and isinstance(last, Set):
                flat[-1] = Set(part.mask | last.mask)
            elif part != last:
                flat.append(part)
    return flat[0] if len(flat) == 1 else Alt(tuple(flat))


def is_run(items: Iterable[Node]) -> bool:
    """Whether these are single bytes: words of lists are, and there are thousands of them."""
    return all(type(item) is Set for item in items)


def literal(text: bytes) -> Node:
    """These bytes and no others."""
    return cat(Set(1 << byte) for byte in text)


def rebuild(node: Node, leaf: Callable[[Node], Node | None]) -> Node | None:
    """The tree with each leaf (`Set`, `Anchor`, `Boundary`) replaced; None prunes what can then never match."""
    match node:
        case Empty():
            return node
        case Cat(items):
            parts = [rebuild(item, leaf) for item in items]
            if all(map(is_, parts, items)):
                return node
            kept = [part for part in parts if part is not None]
            return cat(kept) if len(kept) == len(parts) else None
        case Alt(items):
            kept = [part for part in (rebuild(item, leaf) for item in items) if part is not None]
            return alt(kept) if kept else None
        case Repeat(item, low, high, lazy):
            part = rebuild(item, leaf)
            if part is None:
                return None if low else EMPTY
            return Repeat(part, low, high, lazy)
        case Group(item, index):
            part = rebuild(item, leaf)
            return None if part is None else Group(part, index)
        case _:
            return leaf(node)


def set_of(members: Iterable[int]) -> Set:
    """A node for one byte of these."""
    return Set(bytesets.of(members))
