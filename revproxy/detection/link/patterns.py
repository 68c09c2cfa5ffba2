"""A pattern in the two forms that databases hold.

Values are scanned joined with NUL, so no form consumes one: a NUL inside a value is scanned as `STAND_IN`, and what
takes a NUL takes that too. Where a form cannot say exactly what is meant (that, or an anchor in the middle, which is
dropped), the scan finds more, and the operator decides as ever.
"""

from __future__ import annotations

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
STAND_IN = b"\1"
"""What a NUL inside a value is replaced by before the value is scanned."""
ROUGH = to_hyperscan(Set(bytesets.ALL & ~(CALM | bytesets.NUL)))
"""A byte that is neither calm nor the separator."""
_STAND_IN = bytesets.of(STAND_IN)
_LOWERED = bytes(range(256)).lower()


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern for Hyperscan: for values joined with NUL, for calm ones joined with NUL.

    None where nothing can match. `heavy` is for google-re2, on values joined with NUL, where Hyperscan takes neither.
    """

    joined: bytes | None
    calm: bytes | None
    heavy: bytes | None = None

    def texts(self) -> tuple[bytes, ...]:
        """All that are there."""
        return tuple(t for t in (self.joined, self.calm) if t is not None)


def forms(node: Node, folded: bool, loose: bool = False) -> Pattern:
    """The forms of a pattern. `folded`: for values that are yet to be lowered. `loose`: without anchors."""
    tree: Node | None = preimage(trim(node), _LOWERED) if folded else trim(node)
    if tree is not None and loose:
        tree = _loosened(tree)
    joined = _joined(tree)
    calm = intersect(joined, CALM | bytesets.NUL) if joined is not None else None
    text = _text(joined)
    return Pattern(text, _shorter(_text(calm), text))


def heavy_form(node: Node, folded: bool) -> Pattern:
    """The form of a pattern that is too much for Hyperscan."""
    joined = _joined(preimage(trim(node), _LOWERED) if folded else trim(node))
    return Pattern(None, None, to_re2(joined, groups=False) if joined is not None else None)


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
