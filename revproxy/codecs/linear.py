"""Patterns of google-re2: whether and where one matches, in time linear in the value.

The library makes several objects around the one call that decides; where it can be had, that call alone is made. What
a pattern means does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import re2

Span = tuple[int, int]
"""Where something begins and ends."""


def spans(program: Any) -> Callable[[bytes], Sequence[Span] | None]:
    """Where the first match of a compiled program is, then its groups; (-1, -1) for a group that is no part of it."""
    inner, anchor = getattr(program, "_regexp", None), getattr(re2, "_Anchor", None)
    if inner is None or anchor is None:
        # Another release of the library keeps it elsewhere.
        return lambda value: _spans_of(program.search(value))
    match, anywhere = inner.Match, anchor.UNANCHORED

    def of(value: bytes) -> Sequence[Span] | None:
        told: Sequence[Span] = match(anywhere, value, 0, len(value))
        return told if told[0][0] >= 0 else None

    return of


def _spans_of(match: Any) -> Sequence[Span] | None:
    return None if match is None else [match.span(number) for number in range(len(match.groups()) + 1)]


def found(program: Any) -> Callable[[bytes], bool]:
    """Whether a compiled program matches somewhere in a value."""
    inner, anchor = getattr(program, "_regexp", None), getattr(re2, "_Anchor", None)
    if inner is None or anchor is None:
        # Another release of the library keeps it elsewhere.
        return lambda value: program.search(value) is not None
    match, anywhere = inner.Match, anchor.UNANCHORED
    return lambda value: match(anywhere, value, 0, len(value))[0][0] >= 0
