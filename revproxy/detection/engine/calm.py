"""Scanning one buffer, through the calm tier where that pays.

A buffer of nothing but calm bytes (letters, digits and the marks of ordinary text) is answered by a small database
of the patterns as far as they consist of such bytes. That database also holds one pattern for any other byte: when
that hits, its answer counts for nothing and the whole database is asked.
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
CALM_FROM = 512
"""Shorter buffers are not worth a second look."""


class Scans(NamedTuple):
    """The loaded forms of one set of items, and what their identifiers stand for as bits."""

    joined: Scan
    calm: Scan | None
    bits: Sequence[int]
    any_heavy: Search | None
    heavy: tuple[tuple[int, Search], ...]
    """Bits and searches of what only google-re2 takes; `any_heavy` looks for all of it at once."""


class Scanner:
    """Turns what Hyperscan reports into bits. For one thread: it has its own scratch space."""

    __slots__ = ("_found", "_on_match", "_rough")

    def __init__(self, numbers: int) -> None:
        """The group's numbers are below `numbers`; that one itself stands for a byte that is not calm."""
        self._rough = 1 << numbers
        self._found: list[int] = []
        found = self._found.append
        self._on_match = lambda number, start, end, flags, context: found(number)

    def load(self, databases: Databases, scan_of: ScanOf) -> Scans:
        """What scans for a group's items. Raises ArgumentError."""
        bits = [1 << number for number in databases.numbers]
        calm = scan_of(databases.calm) if databases.calm else None
        heavy = tuple((bits[number], alternation([text])) for number, text in databases.heavy)
        together = alternation([text for _, text in databases.heavy]) if heavy else None
        return Scans(scan_of(databases.joined), calm, [*bits, self._rough], together, heavy)

    def look(self, scans: Scans, data: bytes) -> int:
        """Bits of what values without NUL, joined with NUL, hit."""
        seen = 0
        if scans.any_heavy is not None and scans.any_heavy(data):
            for bit, search in scans.heavy:
                if search(data):
                    seen |= bit
        if scans.calm is not None and len(data) >= CALM_FROM:
            calm = self._look(scans.calm, scans.bits, data)
            if not calm & self._rough:
                return seen | calm
        return seen | self._look(scans.joined, scans.bits, data)

    def _look(self, scan: Scan, bits: Sequence[int], data: bytes) -> int:
        found = self._found
        scan(data, self._on_match)
        if not found:
            return 0
        seen = 0
        for number in found:
            seen |= bits[number]
        found.clear()
        return seen
