"""A pattern in the three forms that databases hold.

Where a form cannot say exactly what is meant (an anchor in the middle), the anchor is dropped: the scan then finds
more, and the operator decides as ever.
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
    trim,
)
from revproxy.detection.patterns.tree import EMPTY, Anchor, Set, rebuild

CALM = bytesets.DIGIT | bytesets.UPPER | bytesets.LOWER | bytesets.of(b" _.,:/@?!~-")
"""The bytes of ordinary text."""
ROUGH = to_hyperscan(Set(bytesets.ALL & ~(CALM | bytesets.NUL)))
"""A byte that is neither calm nor the separator."""
_LOWERED = bytes(range(256)).lower()


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern for Hyperscan: for one value, for values joined with NUL, for calm ones joined with NUL.

    None where nothing can match.
    """

    exact: bytes | None
    joined: bytes | None
    calm: bytes | None

    def texts(self) -> tuple[bytes, ...]:
        """All that are there."""
        return tuple(t for t in (self.exact, self.joined, self.calm) if t is not None)


def forms(node: Node, folded: bool, loose: bool = False) -> Pattern:
    """The forms of a pattern. `folded`: for values that are yet to be lowered. `loose`: without anchors."""
    tree: Node | None = preimage(trim(node), _LOWERED) if folded else trim(node)
    if tree is not None and loose:
        tree = _loosened(tree)
    calm = intersect(tree, CALM) if tree is not None else None
    return Pattern(_text(tree), _text(_joined(tree)), _text(_joined(trim(calm) if calm else None)))


def _joined(tree: Node | None) -> Node | None:
    if tree is None:
        return None
    try:
        return separator_safe(tree)
    except UnjoinableError:
        return separator_safe(_loosened(tree))


def _loosened(tree: Node) -> Node:
    """Without anchors: a match of the tree is a match of this."""
    return rebuild(tree, lambda part: EMPTY if isinstance(part, Anchor) else part) or EMPTY


def _text(tree: Node | None) -> bytes | None:
    return None if tree is None else to_hyperscan(tree)
