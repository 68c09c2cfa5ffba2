"""Transformations of a condition, as far as scanning has to carry them out.

`lowercase` at the end of a chain is folded into the patterns: each set of bytes is replaced by what becomes a member
of it. It may stand further in front when everything after it gives the same result before and after lowering.
`cmdLine` lowers too; with that folded, only its other changes are a reason to carry it out.
"""

from __future__ import annotations

from dataclasses import dataclass

from revproxy.detection.transformations import TRIGGERS

_SAME_NAMES = (
    "compressWhitespace removeWhitespace removeNulls replaceNulls replaceComments removeCommentsChar removeComments "
    "trim trimLeft trimRight normalizePath normalizePathWin normalisePath normalisePathWin lowercase"
)
_SAME_AFTER_LOWERING = frozenset(_SAME_NAMES.split())
FOLDED_CMDLINE = "cmdLine after folding"
_TRIGGERS: dict[str, str | None] = {**TRIGGERS, FOLDED_CMDLINE: r"[\\\x22'^,;\t\n\r\x0b\x0c]| [ /(]"}


@dataclass(frozen=True, slots=True)
class Chain:
    """What is left to carry out, and whether lowering was folded into the patterns."""

    names: tuple[str, ...]
    folded: bool


def fold(transformations: tuple[str, ...]) -> Chain:
    """Take out what the patterns can stand for."""
    names = [n for n in transformations if TRIGGERS.get(n) != ""]
    for at, name in enumerate(names):
        if name in ("lowercase", "cmdLine") and all(n in _SAME_AFTER_LOWERING for n in names[at + 1 :]):
            rest = [n for n in names[at:] if n != "lowercase"]
            kept = [FOLDED_CMDLINE if n == "cmdLine" else n for n in rest]
            return Chain((*names[:at], *kept), folded=True)
    return Chain(tuple(names), folded=False)


def trigger_of(name: str) -> str | None:
    """The pattern without which the transformation changes nothing; None when it may change anything."""
    return _TRIGGERS[name]


def function_of(name: str) -> str:
    """The key in `TRANSFORMATIONS` of a name in a chain."""
    return "cmdLine" if name == FOLDED_CMDLINE else name
