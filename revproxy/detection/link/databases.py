"""Compiling patterns to Hyperscan databases, or fetching them from the store.

A database is known by a hash of everything that decides what it holds: patterns, identifiers, flags, the library's
version. What a store returns is tried before it is trusted: another processor's database is compiled again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import hyperscan

from revproxy.detection.link.ruleset import DatabaseStore

_LIBRARY = version("hyperscan")
_REFUSED = "-refused"
"""Behind a database's key: the patterns for which there is none."""
FLAGS = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_ALLOWEMPTY | hyperscan.HS_FLAG_SINGLEMATCH


@dataclass(frozen=True, slots=True)
class Expression:
    """One pattern of a database; several may share an identifier."""

    number: int
    text: bytes
    caseless: bool = False
    every: bool = False
    """Each match is reported, not the first alone."""

    @property
    def flags(self) -> int:
        """Hyperscan's flags."""
        flags = FLAGS & ~hyperscan.HS_FLAG_SINGLEMATCH if self.every else FLAGS
        return flags | (hyperscan.HS_FLAG_CASELESS if self.caseless else 0)


def compiles(expression: Expression) -> bool:
    """Whether Hyperscan takes this pattern."""
    try:
        _compile([expression])
    except hyperscan.error:
        return False
    return True


LONG_BYTES = 2000
"""A shorter pattern is never taken for a slow one."""
_LITERAL_SHARE = 20
"""Bytes of a database for each byte of a pattern that it can look for by literals; one that is a single large
automaton, carried on at every byte, has far fewer, and scans forty times slower."""


def is_slow(text: bytes, store: DatabaseStore | None) -> bool:
    """Whether Hyperscan finds nothing in a long pattern to look for but the whole of it, or does not take it."""
    try:
        _, data = database([Expression(0, text)], store)
    except Refused:
        return True
    return len(data) < len(text) * _LITERAL_SHARE


def key_of(expressions: Sequence[Expression]) -> str:
    """The name under which the compiled form is kept."""
    digest = hashlib.sha256(_LIBRARY.encode())
    for e in expressions:
        digest.update(b"%d %d %d\n" % (e.number, e.flags, len(e.text)))
        digest.update(e.text)
    return digest.hexdigest()[:32]


def _unheard() -> None:
    """Nobody wants to know."""


class Refused(Exception):
    """Hyperscan does not take these patterns; internal to linking."""

    def __init__(self, texts: frozenset[bytes]) -> None:
        super().__init__(texts)
        self.texts = texts


def database(
    expressions: Sequence[Expression], store: DatabaseStore | None, missed: Callable[[], None] = _unheard
) -> tuple[str, bytes]:
    """(key, serialised database). Raises Refused when patterns do not compile.

    `missed` is called when it is not in the store and has to be compiled, before that is done.
    """
    key = key_of(expressions)
    kept = store.get(key) if store is not None else None
    if kept is not None and _loads(kept):
        return key, kept
    refused = _refused_before(key, expressions, store)
    if refused:
        raise Refused(refused)
    missed()
    try:
        data: bytes = hyperscan.dumpb(_compile(expressions))
    except hyperscan.error as error:
        refused = frozenset(e.text for e in expressions if not compiles(e))
        if not refused:
            # Each alone would do: they are too large together, and none of them is to blame.
            refused = frozenset(sorted((e.text for e in expressions), key=len)[-max(1, len(expressions) // 8) :])
        if store is not None:
            store.put(key + _REFUSED, b"\n".join(text.hex().encode() for text in sorted(refused)))
        raise Refused(refused) from error
    if store is not None:
        store.put(key, data)
    return key, data


def _refused_before(key: str, expressions: Sequence[Expression], store: DatabaseStore | None) -> frozenset[bytes]:
    """The patterns for which this database did not compile the last time: finding that out takes seconds."""
    said = store.get(key + _REFUSED) if store is not None else None
    try:
        known = {bytes.fromhex(line.decode()) for line in (said or b"").split()}
    except ValueError:
        return frozenset()
    return frozenset(e.text for e in expressions if e.text in known)


def _compile(expressions: Sequence[Expression]) -> hyperscan.Database:
    database = hyperscan.Database()
    database.compile(
        expressions=[e.text for e in expressions],
        ids=[e.number for e in expressions],
        flags=[e.flags for e in expressions],
    )
    return database


def _loads(data: bytes) -> bool:
    try:
        hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return False
    return True
