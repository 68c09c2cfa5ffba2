"""A pattern as a linked rule set keeps it: plain data, instead of a tree to write out.

A module of its own, which is never compiled (docs/decisions/0009-compiled.md): its objects stand in pickles.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """As google-re2 takes it: `exact` decides about values that end with a newline, where that matters; `captures`
    has the groups, if any."""

    search: bytes
    exact: bytes | None = None
    captures: bytes | None = None
