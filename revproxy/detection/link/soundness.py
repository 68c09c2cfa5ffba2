"""Whether the installed Hyperscan finds what it should: one that misses matches lets attacks through.

Vectorscan 5.4.12, which the wheels of python-hyperscan from 0.7.23 to 0.9.1 carry, misses matches in long values for
about one pattern in a thousand: after `a.+` or the like it skips over the beginning of the rest. 5.4.11 (wheels up to
0.7.21) and Intel's 5.4.2 do not. `docs/decisions/0005-hyperscan.md` has the measurements.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

import hyperscan

from revproxy.errors import Location, RuleError

PROBES: tuple[tuple[bytes, bytes], ...] = (
    (rb"a.+b\s*c\s*de", b"a" + b"z" * 80 + b"b c de"),
    (rb"@[^\x00]+=[\x09-\x0d\x20]*\([\x09-\x0d\x20]*x", b"@" + b"z" * 200 + b"=(x"),
    (rb"a.*b\s*c\s*de", b"-" * 70 + b"a" + b"z" * 60 + b"bcde"),
)
"""Patterns, and values in which each has a match."""


def check_library() -> None:
    """Raises RuleError when the library misses what it is known to miss in a broken release."""
    missed = missed_probes()
    if missed:
        raise RuleError(
            f"the installed hyperscan {version('hyperscan')} misses matches ({len(missed)} of {len(PROBES)} probes)",
            Location("hyperscan"),
            hint="install hyperscan 0.7.21",
        )


@cache
def missed_probes() -> tuple[bytes, ...]:
    """The patterns of which a match was not found."""
    return tuple(pattern for pattern, value in PROBES if not _finds(pattern, value))


def _finds(pattern: bytes, value: bytes) -> bool:
    database = hyperscan.Database()
    database.compile(expressions=[pattern], ids=[0], flags=[hyperscan.HS_FLAG_DOTALL])
    database.scratch = hyperscan.Scratch(database)
    found: list[int] = []
    database.scan(value, lambda number, start, end, flags, context: found.append(end))
    return bool(found)
