"""Scanning one buffer, through the calm tier where that pays.

A buffer of nothing but calm bytes (letters, digits and the marks of ordinary text) is answered by a small database
of the patterns as far as they consist of such bytes. That database also holds one pattern for any other byte: when
that hits, its answer counts for nothing and the whole database is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import hyperscan

from revproxy.detection.link import Databases, RuleSet

Scan = Callable[..., None]
CALM_FROM = 512
"""Shorter buffers are not worth a second look."""


class Scans(NamedTuple):
    """The loaded forms of one set of items."""

    exact: Scan
    joined: Scan
    calm: Scan | None


class Scanner:
    """Turns what Hyperscan reports into bits. For one thread: it has its own scratch space."""

    __slots__ = ("_bits", "_found", "_on_match", "_rough")

    def __init__(self, numbers: int) -> None:
        """Identifiers are below `numbers`; that one itself stands for a byte that is not calm."""
        self._rough = 1 << numbers
        self._bits = [1 << i for i in range(numbers + 1)]
        self._found: list[int] = []
        found = self._found.append
        self._on_match = lambda number, start, end, flags, context: found(number)

    def load(self, databases: Databases, ruleset: RuleSet) -> Scans:
        """Load the databases of a group."""
        exact, joined = (_scan_of(key, ruleset) for key in (databases.exact, databases.joined))
        return Scans(exact, joined, _scan_of(databases.calm, ruleset) if databases.calm else None)

    def one(self, scans: Scans, value: bytes) -> int:
        """Bits of what one value hits."""
        return self._look(scans.exact, value)

    def joined(self, scans: Scans, data: bytes) -> int:
        """Bits of what values without NUL, joined with NUL, hit."""
        if scans.calm is not None and len(data) >= CALM_FROM:
            seen = self._look(scans.calm, data)
            if not seen & self._rough:
                return seen
        return self._look(scans.joined, data)

    def _look(self, scan: Scan, data: bytes) -> int:
        found = self._found
        scan(data, self._on_match)
        if not found:
            return 0
        bits, seen = self._bits, 0
        for number in found:
            seen |= bits[number]
        found.clear()
        return seen


def _scan_of(key: str, ruleset: RuleSet) -> Scan:
    if not key:
        return lambda data, on_match: None
    database = hyperscan.loadb(ruleset.compiled[key], hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    scan: Scan = database.scan
    return scan
