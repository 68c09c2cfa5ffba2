"""Factors of a pattern: short runs of bytes of which every match holds one.

`(?:union.{0,9}select|load_file)` has the factors `select` and `load_fil`: a value with neither is not accepted.
Chosen is what ordinary text holds least. Invariant: a factor says what is necessary, never what is sufficient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from math import prod

from revproxy.detection.patterns import Node, bytesets
from revproxy.detection.patterns.tree import Alt, Anchor, Boundary, Cat, Empty, Group, Repeat, Set, cat

Factor = tuple[int, ...]
"""A set of bytes (`bytesets`) for each place."""

MOST = 2048
"""Most factors of a pattern; of one that needs more nothing is said."""
COMMON = 0.02
"""Where text holds one of the factors at so many of its bytes, they say nothing."""

_SHARES = (
    (bytesets.of(b" "), 0.15),
    (bytesets.LOWER, 0.04),
    (bytesets.UPPER | bytesets.DIGIT, 0.015),
    (bytesets.of(b"-_./:=&,+%"), 0.06),
    (bytesets.ALL, 0.001),
)
"""How much of ordinary text each byte of a set is, roughly; the first set that holds it counts."""


def _share(byte: int) -> float:
    return next(share for mask, share in _SHARES if mask >> byte & 1)


_SHARE = [_share(byte) for byte in range(256)]


@lru_cache(maxsize=4096)
def _weight(mask: int) -> float:
    return min(1.0, sum(_SHARE[byte] for byte in bytesets.members(mask)))


def factors(trees: Sequence[Node], avoided: int, width: int) -> tuple[Factor, ...]:
    """Factors of any of these patterns, of at most `width` places and none with an `avoided` byte; empty where
    nothing can be said."""
    found = _of_any(trees, avoided, width)
    return found if found and _commonness(found) < COMMON else ()


def _commonness(found: Iterable[Factor]) -> float:
    return sum(prod(map(_weight, factor)) for factor in found)


def _of_any(trees: Iterable[Node], avoided: int, width: int) -> tuple[Factor, ...]:
    found: dict[Factor, None] = {}
    for tree in trees:
        of_one = _of(tree, avoided, width)
        if not of_one:
            return ()
        found.update(dict.fromkeys(of_one))
    return tuple(found) if len(found) <= MOST else ()


def _of(node: Node, avoided: int, width: int) -> tuple[Factor, ...]:
    match node:
        case Alt(items):
            return _of_any(items, avoided, width)
        case Group(item):
            return _of(item, avoided, width)
        case Repeat(item, low):
            return _of_run([node], avoided, width) if low else ()
        case Cat(items):
            return _of_run(items, avoided, width)
        case _:
            return _of_run([node], avoided, width)


def _of_run(items: Sequence[Node], avoided: int, width: int) -> tuple[Factor, ...]:
    """The rarest of what follows each other directly, and of what stands in one of the parts alone."""
    choices: list[tuple[Factor, ...]]
    choices = [
        (run[at : at + width],) for run in _runs(items, avoided, width) for at in range(max(1, len(run) - width + 1))
    ]
    for at, item in enumerate(items):
        inner = item.item if isinstance(item, Repeat) and item.low else item
        if isinstance(inner, Alt | Cat | Group):
            choices.append(_of(inner, avoided, width))
        if isinstance(item, Alt):
            choices.append(_of_any(_with_neighbours(items, at, item.items), avoided, width))
    return min(filter(None, choices), key=_commonness, default=())


def _with_neighbours(items: Sequence[Node], at: int, branches: Sequence[Node]) -> list[Node]:
    """Each branch of the alternation there with the single bytes that stand on both sides of it."""
    before = list(takewhile(_is_byte, reversed(items[:at])))[::-1]
    after = list(takewhile(_is_byte, items[at + 1 :]))
    return [cat((*before, branch, *after)) for branch in branches] if before or after else []


def _is_byte(node: Node) -> bool:
    return isinstance(node, Set)


def _runs(items: Sequence[Node], avoided: int, width: int) -> Iterator[Factor]:
    """Single bytes that stand side by side in each match, as far as they do."""
    run: Factor = ()
    for item in items:
        match item:
            case Empty() | Anchor() | Boundary():
                continue
            case Set(mask) if not mask & avoided:
                run += (mask,)
            case Repeat(Set(mask), low, high) if low and not mask & avoided:
                some = (mask,) * min(low, width)
                run += some
                if high != low or low > width:
                    yield run
                    run = some
            case _:
                if run:
                    yield run
                run = ()
    if run:
        yield run
