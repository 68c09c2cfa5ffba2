r"""Tree to pattern text for the two matchers. Both texts are ASCII, need no flags, and mean exactly the tree.

google-re2 must be given Latin-1; Hyperscan needs ALLOWEMPTY for a tree that matches the empty string. Hyperscan
refuses some anchors inside a pattern: the caller finds out when it compiles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.tree import (
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
)

_RE2_REPEATS = 1000
"""google-re2 takes no larger number in braces."""

_RE2_SIDES = {
    Side.TEXT_BEGIN: r"\A",
    Side.LINE_BEGIN: "(?m:^)",
    Side.TEXT_END: r"\z",
    # Consumes the newline: google-re2 has no other way to say it, and only the length of the match differs.
    Side.LAST_LINE_END: r"\n?\z",
    Side.LINE_END: "(?m:$)",
}
_HYPERSCAN_SIDES = _RE2_SIDES | {Side.LAST_LINE_END: r"\Z"}


@dataclass(frozen=True, slots=True)
class _Style:
    """Where the two dialects differ."""

    sides: dict[Side, str]
    groups: bool
    lazy: bool
    most: int
    fold: bool = False
    """Parts that hold every letter in both cases are written in one case, under `(?i:`: a quarter of the length."""
    folded: bool = False
    """Inside such a part."""


_HYPERSCAN = _Style(_HYPERSCAN_SIDES, False, False, 32_767, fold=True)
_FOLDED = replace(_HYPERSCAN, fold=False, folded=True)


def to_re2(node: Node, groups: bool = True) -> bytes:
    """For google-re2; `groups` keeps capturing groups."""
    return _text(node, _Style(_RE2_SIDES, groups, True, _RE2_REPEATS)).encode("ascii")


def to_hyperscan(node: Node) -> bytes:
    """For Hyperscan, which reports that and where a match ends, so groups and laziness are left out."""
    return _text(node, _HYPERSCAN).encode("ascii")


def _text(node: Node, style: _Style) -> str:
    if style.fold and not isinstance(node, Set) and _folds(node) and _has_letters(node):
        return f"(?i:{_text(node, _FOLDED)})"
    match node:
        case Empty():
            return "(?:)"
        case Set(mask):
            return _set(mask, style.folded)
        case Cat(items):
            return "".join(_unit(item, style) if isinstance(item, Alt) else _text(item, style) for item in items)
        case Alt(items):
            return "|".join(_text(item, style) for item in items)
        case Repeat():
            return _repeat(node, style)
        case Group(item):
            return f"({_text(item, style)})" if style.groups else f"(?:{_text(item, style)})"
        case Anchor(side):
            return style.sides[side]
        case Boundary(negated):
            return r"\B" if negated else r"\b"


def _unit(node: Node, style: _Style) -> str:
    """Text that a quantifier can follow."""
    if isinstance(node, Set) or (isinstance(node, Group) and style.groups):
        return _text(node, style)
    return f"(?:{_text(node, style)})"


def _repeat(node: Repeat, style: _Style) -> str:
    unit = _unit(node.item, style)
    low, high, most = node.low, node.high, style.most
    tail = "?" if node.lazy and style.lazy else ""
    if max(low, high or 0) <= most:
        return unit + _quantifier(low, high) + tail
    # Larger numbers in pieces. A group is then written several times over: only its last copy may capture.
    bare = _unit(node.item, replace(style, groups=False))
    out = [f"{bare}{{{most}}}"] * (low // most) + [f"{bare}{{{low % most}}}"] * (low % most > 0)
    if high is None:
        out.append(f"{bare}*{tail}")
    else:
        spare = high - low
        out += [f"{bare}{{0,{most}}}{tail}"] * (spare // most) + [f"{bare}{{0,{spare % most}}}{tail}"] * (
            spare % most > 0
        )
    return f"(?:{''.join(out)})"


_WORDS = {(0, None): "*", (1, None): "+", (0, 1): "?"}


def _quantifier(low: int, high: int | None) -> str:
    word = _WORDS.get((low, high))
    if word is not None:
        return word
    if low == high:
        return f"{{{low}}}"
    return f"{{{low},{'' if high is None else high}}}"


def _byte(byte: int) -> str:
    plain = b.WORD >> byte & 1
    return chr(byte) if plain else f"\\x{byte:02x}"


_SINGLE = {1 << byte: _byte(byte) for byte in range(256)}


def _folds(node: Node) -> bool:
    """Whether a part holds each of its letters in both cases."""
    match node:
        case Set(mask):
            return b.fold(mask) == mask
        case Cat(items) | Alt(items):
            return all(map(_folds, items))
        case Repeat(item) | Group(item):
            return _folds(item)
        case _:
            return True


def _has_letters(node: Node) -> bool:
    """Whether folding would make it shorter."""
    match node:
        case Set(mask):
            return bool(mask & b.UPPER) and mask.bit_count() <= 128
        case Cat(items) | Alt(items):
            return any(map(_has_letters, items))
        case Repeat(item) | Group(item):
            return _has_letters(item)
        case _:
            return False


@lru_cache(maxsize=2048)
def _set(mask: int, folded: bool) -> str:
    negated = mask != b.ALL and mask.bit_count() > 128
    written = b.ALL & ~mask if negated else mask
    if folded and mask != b.ALL:
        written &= ~b.UPPER
    if written in _SINGLE and not negated:
        return _SINGLE[written]
    out = []
    for first, last in b.ranges(written):
        if last - first > 1:
            out.append(f"{_byte(first)}-{_byte(last)}")
        else:
            out.extend(_byte(byte) for byte in range(first, last + 1))
    return f"[{'^' if negated else ''}{''.join(out)}]"
