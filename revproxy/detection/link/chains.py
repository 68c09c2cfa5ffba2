"""Transformations of a condition, as far as scanning has to carry them out.

`lowercase` at the end of a chain is folded into the patterns: each set of bytes is replaced by what becomes a member
of it. It may stand further in front when everything after it gives the same result before and after lowering.
`cmdLine` lowers too; with that folded, only its other changes are a reason to carry it out.

So is what `urlDecodeUni` makes of a plus sign: the patterns take one for a space, which finds more than is there,
never less. Only an escape is then a reason to carry it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from revproxy.detection.transformations import TRIGGERS
from revproxy.detection.transformations.triggers import base64

_SAME_NAMES = (
    "compressWhitespace removeWhitespace removeNulls replaceNulls replaceComments removeCommentsChar removeComments "
    "trim trimLeft trimRight normalizePath normalizePathWin normalisePath normalisePathWin lowercase"
)
_SAME_AFTER_LOWERING = frozenset(_SAME_NAMES.split())
FOLDED_CMDLINE = "cmdLine after folding"
FOLDED_DECODE = "urlDecodeUni after folding"
LONG_BASE64 = "base64Decode to four bytes and more"
_TRIGGERS: dict[str, str | None] = {
    **TRIGGERS,
    FOLDED_CMDLINE: r"[\\\x22'^,;\t\n\r\x0b\x0c]| [ /(]",
    # A style sheet's escape swallows a space behind it, and no plus sign.
    FOLDED_DECODE: r"%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})|\\",
    LONG_BASE64: base64(2),
}
_FUNCTIONS = {FOLDED_CMDLINE: "cmdLine", FOLDED_DECODE: "urlDecodeUni", LONG_BASE64: "base64Decode"}
_BLIND_NAMES = "htmlEntityDecode jsDecode cssDecode removeNulls replaceComments foldUnicode lowercase uppercase"
_BLIND_TO_SPACES = frozenset(_BLIND_NAMES.split())
"""Transformations to which a space and a plus sign are bytes like any other, where there is no backslash."""
_SHRINKING = (
    "none urlDecode urlDecodeUni jsDecode cssDecode htmlEntityDecode lowercase removeNulls removeWhitespace "
    "replaceComments removeComments removeCommentsChar compressWhitespace trim trimLeft trimRight"
)
_NEVER_LONGER = frozenset(_SHRINKING.split())


@dataclass(frozen=True, slots=True)
class Chain:
    """What is left to carry out, whether lowering was folded into the patterns, and whether plus signs were."""

    names: tuple[str, ...]
    folded: bool
    plus: bool = False


def fold(transformations: tuple[str, ...], shortest: int = 0) -> Chain:
    """Take out what the patterns can stand for; a match is of at least `shortest` bytes."""
    lowered = _without_lowering(transformations, shortest)
    at = lowered.names.index("urlDecodeUni") if "urlDecodeUni" in lowered.names else None
    if at is None or not _BLIND_TO_SPACES.issuperset(lowered.names[at + 1 :]):
        return lowered
    return Chain((*lowered.names[:at], FOLDED_DECODE, *lowered.names[at + 1 :]), lowered.folded, plus=True)


def _without_lowering(transformations: tuple[str, ...], shortest: int) -> Chain:
    names = [n for n in transformations if TRIGGERS.get(n) != ""]
    if shortest > 3:
        names = [LONG_BASE64 if _may_be_long(names, at) else name for at, name in enumerate(names)]
    for at, name in enumerate(names):
        if name in ("lowercase", "cmdLine") and all(n in _SAME_AFTER_LOWERING for n in names[at + 1 :]):
            rest = [n for n in names[at:] if n != "lowercase"]
            kept = [FOLDED_CMDLINE if n == "cmdLine" else n for n in rest]
            return Chain((*names[:at], *kept), folded=True)
    return Chain(tuple(names), folded=False)


def _may_be_long(names: Sequence[str], at: int) -> bool:
    """Whether what base64 holds there has to be as long as a match."""
    return names[at] == "base64Decode" and _NEVER_LONGER.issuperset(names[at + 1 :])


def trigger_of(name: str) -> str | None:
    """The pattern without which the transformation changes nothing; None when it may change anything."""
    return _TRIGGERS[name]


def function_of(name: str) -> str:
    """The key in `TRANSFORMATIONS` of a name in a chain."""
    return _FUNCTIONS.get(name, name)
