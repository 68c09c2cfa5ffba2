"""Bytes without one of which a condition accepts nothing, as a value stands before each of its transformations.

Nearly every pattern of an attack needs a byte that ordinary text does not hold: a bracket, a quote, a dollar sign.
Where neither such a byte is there nor one from which a transformation could make it, the rest of a chain need not be
carried out. Invariant: what is said here is necessary, never sufficient; 0 says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from revproxy.detection.link.chains import function_of
from revproxy.detection.link.needs import needs_of
from revproxy.detection.link.patterns import STAND_IN
from revproxy.detection.patterns import Node, bytesets
from revproxy.detection.patterns.tree import Alt, Cat, Group, Repeat, Set
from revproxy.detection.rules import Condition, Operator

TreesOf = Callable[[Operator], Sequence[Node] | None]

COMMON = bytesets.UPPER | bytesets.LOWER | bytesets.DIGIT | bytesets.of(b" ")
"""Bytes of all text: a set with one of them rules nothing out."""
_FREQUENT = bytesets.of(b"-_./:=&,+")
"""Of the others, those that are seen most."""
_HIGH = bytesets.span(0x80, 0xFF)


def _same(wanted: int) -> int:
    return wanted


def _from(makers: bytes) -> Callable[[int], int]:
    """Of a transformation that can make any byte, where one of the makers stands."""
    made = bytesets.of(makers)
    return lambda wanted: wanted | made


def _from_utf8(wanted: int) -> int:
    return wanted | (_HIGH | bytesets.NUL if wanted & bytesets.of(b"%") else 0)


def _from_windows(wanted: int) -> int:
    return wanted | (bytesets.of(b"\\") if wanted & bytesets.of(b"/") else 0)


def _from_comments(wanted: int) -> int:
    """The reference engine leaves a NUL where a comment was."""
    return wanted | (bytesets.of(b"/#-") if wanted & (bytesets.NUL | bytesets.of(STAND_IN)) else 0)


_TAKES_OUT = (
    "none lowercase uppercase cmdLine compressWhitespace removeWhitespace removeNulls replaceNulls replaceComments "
    "removeCommentsChar trim trimLeft trimRight normalizePath normalisePath"
)
SOURCES: dict[str, Callable[[int], int]] = {
    **dict.fromkeys(_TAKES_OUT.split(), _same),
    **dict.fromkeys(("urlDecode", "urlDecodeUni"), _from(b"%")),
    **dict.fromkeys(("jsDecode", "cssDecode", "escapeSeqDecode"), _from(b"\\")),
    **dict.fromkeys(("normalizePathWin", "normalisePathWin"), _from_windows),
    "foldUnicode": _from(bytes(range(0xC0, 0x100))),
    "htmlEntityDecode": _from(b"&"),
    "removeComments": _from_comments,
    "utf8toUnicode": _from_utf8,
}
"""For transformations of which that can be said: the bytes of which one is in a value whose transformed form holds
one of the wanted bytes. None of the wanted ones is in `COMMON`."""


def required(condition: Condition, chain: Sequence[str], trees: TreesOf = needs_of) -> tuple[int, ...]:
    """For each name of the chain, the bytes of which a value needs one before that transformation (0: not known).

    `trees` gives the patterns of an operator.
    """
    wanted = _of_any(tree for o in condition.operators for tree in trees(o) or ()) if chain else 0
    found = []
    for name in reversed(chain):
        source = SOURCES.get(function_of(name))
        wanted = _telling(source(wanted)) if wanted and source is not None else 0
        found.append(wanted)
    return tuple(reversed(found))


def tells(wanted: int) -> bool:
    """Whether text that holds none of these bytes is to be expected."""
    return bool(wanted) and not wanted & COMMON


def _telling(wanted: int) -> int:
    """The set, unless it says nothing; for NUL what it is scanned as."""
    if not tells(wanted):
        return 0
    return wanted & ~bytesets.NUL | bytesets.of(STAND_IN) if wanted & bytesets.NUL else wanted


def _of_any(trees: Iterable[Node]) -> int:
    sets = [consumed(tree) for tree in trees]
    return _telling(_joined(sets)) if sets and all(sets) else 0


def _joined(sets: Iterable[int]) -> int:
    together = 0
    for one in sets:
        together |= one
    return together


def consumed(node: Node) -> int:
    """Bytes of which every match consumes one, the rarest such set that is easily seen; 0 where there is none."""
    match node:
        case Set(mask):
            return mask
        case Cat(items):
            return min((s for s in map(consumed, items) if s), key=_weight, default=0)
        case Alt(items):
            sets = [consumed(item) for item in items]
            return _joined(sets) if all(sets) else 0
        case Repeat(item, low):
            return consumed(item) if low else 0
        case Group(item):
            return consumed(item)
        case _:
            return 0


def _weight(mask: int) -> int:
    """How much of ordinary text is in the set."""
    return 1000 * (mask & COMMON).bit_count() + 10 * (mask & _FREQUENT).bit_count() + mask.bit_count()
