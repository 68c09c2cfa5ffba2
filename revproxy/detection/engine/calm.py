"""Scanning one buffer, in the calm tier where that will do.

A buffer of nothing but calm bytes (letters, digits and the marks of ordinary text) is answered by a small database
of the patterns as far as they consist of such bytes; it costs a fraction of the whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from revproxy.detection.link import Databases
from revproxy.detection.operators.rx import alternation

Scan = Callable[..., None]
ScanOf = Callable[[str], Scan]
"""The scan of the database with that key, for one thread."""
Search = Callable[[bytes], Any]


class Heavy:
    """What only google-re2 looks for."""

    __slots__ = ("_any", "_each")

    def __init__(self, patterns: Sequence[tuple[int, bytes]]) -> None:
        """`patterns`: a bit, and what is looked for in values joined with NUL."""
        self._any = alternation([text for _, text in patterns])
        self._each = [(bit, alternation([text])) for bit, text in patterns]

    def look(self, data: bytes) -> int:
        """Bits of the patterns that are found."""
        return sum({bit for bit, search in self._each if search(data)}) if self._any(data) else 0


class Tier(NamedTuple):
    """A database, and what is looked for besides."""

    scan: Scan
    heavy: Heavy | None


class Scans(NamedTuple):
    """The loaded forms of one set of items, and what their identifiers stand for as bits."""

    whole: Tier
    calm: Tier | None
    bits: list[int]


class Scanner:
    """Turns what Hyperscan reports into bits. For one thread: it has its own scratch space."""

    __slots__ = ("_found", "_on_match")

    def __init__(self) -> None:
        self._found: list[int] = []
        found = self._found.append
        self._on_match = lambda number, start, end, flags, context: found(number)

    def load(self, databases: Databases, scan_of: ScanOf) -> Scans:
        """What scans for a group's items. Raises ArgumentError."""
        bits = [1 << number for number in databases.numbers]
        whole = Tier(scan_of(databases.joined), _heavy_of(databases.heavy, bits))
        calm = None
        if databases.calm_bytes:
            calm = Tier(scan_of(databases.calm), _heavy_of(databases.heavy_calm, bits))
        return Scans(whole, calm, bits)

    def look(self, scans: Scans, data: bytes, calm: bool) -> int:
        """Bits of what values without NUL, joined with NUL, hit. `calm`: they are of calm bytes alone."""
        scan, heavy = scans.calm if calm and scans.calm is not None else scans.whole
        bits = scans.bits
        seen = heavy.look(data) if heavy is not None else 0
        found = self._found
        scan(data, self._on_match)
        if found:
            for number in found:
                seen |= bits[number]
            found.clear()
        return seen


def _heavy_of(patterns: Sequence[tuple[int, bytes]], bits: Sequence[int]) -> Heavy | None:
    return Heavy([(bits[number], text) for number, text in patterns]) if patterns else None
