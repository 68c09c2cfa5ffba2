"""A pattern in the two forms that databases hold.

Values are scanned joined with NUL, so no form consumes one: a NUL inside a value is scanned as `STAND_IN`, and what
takes a NUL takes that too. Where a form cannot say exactly what is meant (that, or an anchor in the middle, which is
dropped), the scan finds more, and the operator decides as ever.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from revproxy.detection.patterns import (
    Node,
    UnjoinableError,
    bytesets,
    intersect,
    preimage,
    separator_safe,
    to_hyperscan,
    to_re2,
    trim,
)
from revproxy.detection.patterns.tree import EMPTY, Anchor, Set, rebuild

CALM = bytesets.DIGIT | bytesets.UPPER | bytesets.LOWER | bytesets.of(b" _.,:/@?!~-")
"""The bytes of ordinary text."""
CALM_WIRE = CALM | bytesets.of(b"=&+;%")
"""The same for targets and header fields, which are made of names and values."""
STAND_IN = b"\1"
"""What a NUL inside a value is replaced by before the value is scanned."""
_STAND_IN = bytesets.of(STAND_IN)
_PLUS, _SPACE = bytesets.of(b"+"), bytesets.of(b" ")
_LOWERED = bytes(range(256)).lower()


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern for Hyperscan: for values joined with NUL, for calm ones joined with NUL.

    None where nothing can match. `heavy` is for google-re2, on values joined with NUL, where Hyperscan is not to have
    the joined form; with `heavy_calm` it is not to have the calm one either.
    """

    joined: bytes | None
    calm: bytes | None
    heavy: bytes | None = None
    heavy_calm: bool = False

    def texts(self) -> tuple[bytes, ...]:
        """All that Hyperscan is to have."""
        return tuple(t for t in (self.joined, self.calm) if t is not None)


@dataclass(frozen=True, slots=True)
class Shape:
    """What values a form is for. `folded`: they are yet to be lowered. `plus`: a plus sign may stand for a space.
    `alphabet`: the bytes of calm ones."""

    folded: bool = False
    plus: bool = False
    alphabet: int = CALM


def forms(node: Node, shape: Shape, loose: bool = False) -> Pattern:
    """The forms of a pattern. `loose`: without anchors."""
    tree = folded(node, shape)
    if tree is not None and loose:
        tree = _loosened(tree)
    joined = _joined(tree)
    text = _text(joined)
    return Pattern(text, _shorter(_calm(joined, shape.alphabet), text))


def heavy_form(node: Node, shape: Shape, refused: Container[bytes]) -> Pattern:
    """The form of a pattern that is too much for Hyperscan, but perhaps not for calm values (`refused`: what is)."""
    joined = _joined(folded(node, shape))
    if joined is None:
        return Pattern(None, None)
    calm = _calm(joined, shape.alphabet)
    heavy_calm = calm in refused
    return Pattern(None, None if heavy_calm else calm, to_re2(joined, groups=False), heavy_calm)


def folded(node: Node, shape: Shape) -> Node | None:
    """The tree for values as the shape has them; None where nothing can match."""
    tree: Node | None = preimage(trim(node), _LOWERED) if shape.folded else trim(node)
    return rebuild(tree, _with_plus) if shape.plus and tree is not None else tree


def _with_plus(part: Node) -> Node:
    return Set(part.mask | _PLUS) if isinstance(part, Set) and part.mask & _SPACE else part


def _calm(joined: Node | None, alphabet: int) -> bytes | None:
    return _text(intersect(joined, alphabet | bytesets.NUL)) if joined is not None else None


def _shorter(calm: bytes | None, joined: bytes | None) -> bytes | None:
    """Narrowing many negated sets makes a longer pattern that takes much longer to compile: the other one will do."""
    return joined if calm is not None and joined is not None and len(joined) < len(calm) else calm


def _joined(tree: Node | None) -> Node | None:
    if tree is None:
        return None
    try:
        return separator_safe(tree, _STAND_IN)
    except UnjoinableError:
        return separator_safe(_loosened(tree), _STAND_IN)


def _loosened(tree: Node) -> Node:
    """Without anchors: a match of the tree is a match of this."""
    return rebuild(tree, lambda part: EMPTY if isinstance(part, Anchor) else part) or EMPTY


def _text(tree: Node | None) -> bytes | None:
    return None if tree is None else to_hyperscan(tree)
