"""What a value holds where a transformation could make something of it that a condition accepts.

A scan of values as they are says which of them a condition may accept so. For what transformations would make of
them, it is looked for a hint: a factor of the condition's patterns, taken back through the chain to what the value
may look like before it (`sel` before `removeWhitespace` is `s *e *l`). Without a hint the chain is not carried out.
Nearly no ordinary value has one, so that nearly none is decoded.

Base64 is another matter: what it decodes to shows in nothing. But it decodes only values of its own digits, so those
alone are to be carried through (`CODED`).

Invariant: a hint is necessary, never sufficient; None says nothing, and the chain is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from operator import or_

from revproxy.detection.link.chains import function_of
from revproxy.detection.link.factors import factors
from revproxy.detection.link.patterns import STAND_IN
from revproxy.detection.patterns import Node, bytesets, literal, parse
from revproxy.detection.patterns.tree import Alt, Cat, Group, Repeat, Set, alt, cat, rebuild

Back = Callable[[Node], Node | None]
"""What a value holds if its transformed form matches this; None where nothing can be said."""

_BASE64 = "base64Decode"
_NUL = bytesets.NUL | bytesets.of(STAND_IN)
_SPACE = bytesets.of(b" ")
_BLANKS = bytesets.SPACE | _NUL | bytesets.of(b"\xa0\xc2")
_HEX = bytesets.NAMED["xdigit"]


def _same(node: Node) -> Node:
    return node


def _changed(node: Node, change: Callable[[int], Node]) -> Node | None:
    return rebuild(node, lambda leaf: change(leaf.mask) if isinstance(leaf, Set) else leaf)


def _each(change: Callable[[int], Node]) -> Back:
    """Of a transformation that makes each byte of what stands for it."""
    return lambda node: _changed(node, change)


def _beside(moved: bytes) -> Back:
    """Of one that leaves all bytes but these beside their neighbours."""
    return lambda node: None if any(mask & bytesets.of(moved) for mask in _masks(node)) else node


def _widened(made: int, sources: int) -> Callable[[int], int]:
    """Bytes, with the sources where one of the made ones is among them."""
    return lambda mask: mask | sources if mask & made else mask


def _without(taken: int, space: int = 0) -> Back:
    """Of one that takes bytes out, and may make a space of others."""
    widened = _widened(_SPACE, space)
    return _each(lambda mask: cat((Set(widened(mask)), Repeat(Set(taken), 0, None))))


def _lowered(mask: int) -> Node:
    return Set(mask | (mask & bytesets.LOWER) >> 32)


def _raised(mask: int) -> Node:
    return Set(mask | (mask & bytesets.UPPER) << 32)


def _or(maker: str) -> Back:
    """Of one that can make anything, where its own mark stands."""
    mark = parse(maker)
    return lambda node: alt((node, mark))


def _digits(mask: int) -> Node:
    """Two hexadecimal digits that stand for one of these bytes."""
    rows: dict[int, set[int]] = {}
    for byte in bytesets.members(mask):
        rows.setdefault(byte >> 4, set()).add(byte & 15)
    return alt(cat((_digit([high]), _digit(low))) for high, low in rows.items())


def _digit(values: Iterable[int]) -> Set:
    return Set(bytesets.fold(bytesets.of(b"0123456789ABCDEF"[value] for value in values)))


def _escaped(mask: int) -> Node:
    escape = alt((_digits(mask), cat((Set(bytesets.of(b"uU")), Repeat(Set(_HEX), 4, 4)))))
    return cat((Set(bytesets.of(b"%")), escape))


def _from_url(node: Node) -> Node | None:
    plus = _widened(_SPACE, bytesets.of(b"+"))
    masks = _masks(node)
    if len(masks) <= MANY:
        return _changed(node, lambda mask: alt((Set(plus(mask)), _escaped(mask))))
    plain = _changed(node, lambda mask: Set(plus(mask)))
    return alt((plain, _escaped(reduce(or_, masks)))) if plain is not None else None


def _from_escapes(node: Node) -> Node:
    """A backslash tells where it stands before a digit, a letter of the escapes, or a byte of the factor itself."""
    after = reduce(or_, _masks(node), _AFTER_BACKSLASH)
    return alt((node, cat((Set(bytesets.of(b"\\")), Set(after)))))


def _masks(node: Node) -> list[int]:
    """The sets of bytes in a tree."""
    match node:
        case Set(mask):
            return [mask]
        case Cat(items) | Alt(items):
            return [mask for item in items for mask in _masks(item)]
        case Repeat(item) | Group(item):
            return _masks(item)
        case _:
            return []


def _from_command(node: Node) -> Node | None:
    lowered = _changed(node, _lowered)
    return _without(_QUOTES | _BREAKS, _BREAKS)(lowered) if lowered is not None else None


def _from_comments(node: Node) -> Node:
    """A comment becomes a space, and so matters where one may stand; what is in it may be anything."""
    rows = node.items if isinstance(node, Alt) else (node,)
    return alt((node, *(cut for row in rows for cut in _cut_by_comments(row))))


def _cut_by_comments(row: Node) -> Iterator[Node]:
    """What stands before each place of a space, and the beginning of a comment."""
    items = row.items if isinstance(row, Cat) else (row,)
    for at, item in enumerate(items):
        if any(mask & _SPACE for mask in _masks(item)):
            yield cat((*items[:at], *([item] if isinstance(item, Repeat) else []), literal(b"/*")))


_AFTER_BACKSLASH = _HEX | bytesets.of(b"xXuUabfnrtv\\?'\"\r\n")
MANY = 64
"""Places of factors; where there are more, an escape of any of their bytes counts as one of all."""
_ENTITY = "(?i)&(?:#[0-9x]|quo|amp|lt|gt|nbs)"
_PATH, _PATH_WIN = b"/", b"/\\"
_QUOTES = bytesets.of(b"\\\"'^")
_BREAKS = bytesets.of(b",;") | bytesets.SPACE
BACK: dict[str, Back] = {
    **dict.fromkeys(("none", "trim", "trimLeft", "trimRight", _BASE64), _same),
    **dict.fromkeys(("normalizePath", "normalisePath"), _beside(_PATH)),
    **dict.fromkeys(("normalizePathWin", "normalisePathWin"), _beside(_PATH_WIN)),
    **dict.fromkeys(("jsDecode", "cssDecode", "escapeSeqDecode"), _from_escapes),
    **dict.fromkeys(("urlDecode", "urlDecodeUni"), _from_url),
    "cmdLine": _from_command,
    "compressWhitespace": _without(bytesets.SPACE, bytesets.SPACE),
    "htmlEntityDecode": _or(_ENTITY),
    "lowercase": _each(_lowered),
    "removeCommentsChar": _without(bytesets.of(b"/*-#<!>")),
    "removeNulls": _without(_NUL),
    "removeWhitespace": _without(_BLANKS),
    "replaceComments": _from_comments,
    "replaceNulls": _each(lambda mask: Set(_widened(_SPACE, _NUL)(mask))),
    "uppercase": _each(_raised),
    "utf8toUnicode": _or(r"[\x00\x80-\xff]"),
}
"""For transformations of which that can be said. Base64 is left out of it: see `coded`."""
AVOIDED = {
    **dict.fromkeys(("normalizePath", "normalisePath"), bytesets.of(_PATH)),
    **dict.fromkeys(("normalizePathWin", "normalisePathWin"), bytesets.of(_PATH_WIN)),
}
"""Bytes that these bring together, or make of others: no factor is to have one."""

_BEFORE_DIGITS = (
    "none urlDecode urlDecodeUni jsDecode cssDecode escapeSeqDecode trim trimLeft trimRight compressWhitespace "
    "removeWhitespace removeNulls"
)
_INTO_DIGITS = frozenset(_BEFORE_DIGITS.split())
"""Transformations in front of base64 that make its digits of nothing but `CODED` and NUL, and of digits nothing."""
CODED = bytes(sorted({*bytesets.members(bytesets.NAMED["alnum"] | bytesets.SPACE), *b"+/=%\\\xa0\xc2"}))
"""What a value that base64 decodes is made of, before and after those transformations."""
WIDE, NARROW = 8, 4
"""Places of a factor: fewer where bytes may stand between them, which makes a large automaton of them."""
TAKING = frozenset(("cmdLine", "compressWhitespace", "removeCommentsChar", "removeNulls", "removeWhitespace"))


def hint(chain: Sequence[str], trees: Sequence[Node]) -> Node | None:
    """A pattern without which a value, carried through a part of the chain, matches none of the trees; not said of
    what base64 decodes. None where nothing can be said."""
    names = [function_of(name) for name in chain]
    if not names or not set(names) <= BACK.keys() or (_BASE64 in names and coded(chain) is None):
        return None
    found = factors(
        trees, reduce(or_, (AVOIDED.get(name, 0) for name in names)), WIDE if TAKING.isdisjoint(names) else NARROW
    )
    node: Node | None = alt(cat(map(Set, factor)) for factor in found) if found else None
    for name in reversed(names):
        node = BACK[name](node) if node is not None else None
    return node


def coded(chain: Sequence[str]) -> int | None:
    """Where in the chain base64 is decoded, if only of values that are made of `CODED`."""
    names = [function_of(name) for name in chain]
    at = names.index(_BASE64) if _BASE64 in names else None
    return at if at is not None and _INTO_DIGITS.issuperset(names[:at]) else None
