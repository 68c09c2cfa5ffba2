"""One JSON line for each transaction, put together by hand because it is done for every request.

Every byte of a peer goes through the JSON encoder's own C escape after Latin-1, so that no value can end its string,
its line or the terminal of who reads it. Secrets in the target are masked (`redaction`). Nothing here writes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote
from typing import Final

from revproxy.audit.redaction import printable, redact_target
from revproxy.codecs.marks import QUESTION

TARGET_BYTES: Final = 2_048
"""Longest target in a record; the rest is cut off."""
NAME_BYTES: Final = 320
"""Longest host, method, HELO name or address in a record."""
RECIPIENTS: Final = 20
"""Most recipients that a record names; `recipients` counts them all."""

_NOTHING_FOUND: Final = '"verdict":"allow","score":0,"rules":[]}'
"""How the record of nearly every transaction ends."""
_MILLIS: Final = [f"{millis:03d}Z" for millis in range(1000)]
_CENTS: Final = [f".{cents:02d}" for cents in range(100)]
_EXACT: Final = 1e9
"""Above this the hundredths of a number are not worked out by hand."""


class _Lately:
    """What the record before this one said, as it is often said again."""

    __slots__ = ("prefix", "second", "target")

    def __init__(self) -> None:
        self.second = -1
        self.prefix = ""
        self.target = (b"", '""')
        """With what is told of it."""


_lately: Final = _Lately()


def timestamp(now: float) -> str:
    """RFC 3339 in UTC with milliseconds; `now` is `time.time()`. The text of a second is made once."""
    second = int(now)
    if second != _lately.second:
        _lately.prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        _lately.second = second
    return _lately.prefix + _MILLIS[int((now - second) * 1000)]


def hundredths(number: float) -> str:
    """A number as `.2f` has it, put together by hand: a format costs six times as much."""
    scaled = number * 100.0
    if not 0.0 <= scaled < _EXACT:
        return format(number, ".2f")
    whole = int(scaled)
    rest = scaled - whole
    if 0.499999 < rest < 0.500001:
        # Which way a half goes is decided by digits that the product has not.
        return format(number, ".2f")
    if rest > 0.5:
        whole += 1
    return str(whole // 100) + _CENTS[whole % 100]


@lru_cache(maxsize=1024)
def quoted(value: bytes) -> str:
    """A peer's bytes as a quoted JSON string of ASCII. Hosts and methods repeat: they are quoted once."""
    return quote(value[:NAME_BYTES].decode("latin-1"))


def quoted_target(target: bytes) -> str:
    """A target as a quoted JSON string, cut and its secrets masked. Paths without a query repeat and are looked up;
    records of findings name the target of the access record."""
    target = target[:TARGET_BYTES]
    if QUESTION not in target:
        return _path(target)
    known, told = _lately.target
    if target != known:
        told = quote(redact_target(target).decode("latin-1"))
        _lately.target = (target, told)
    return told


@lru_cache(maxsize=4096)
def _path(path: bytes) -> str:
    return quote(redact_target(path).decode("latin-1"))


def listed(words: Sequence[str]) -> str:
    """Words as a JSON array."""
    return "[" + ",".join([_word(word) for word in words]) + "]" if words else "[]"


@lru_cache(maxsize=4096)
def _word(word: str) -> str:
    """A rule's id or tag, quoted once."""
    return quote(word)


def encode_http_access(
    *,
    ts: float,
    id: str,  # noqa: A002 - the record's own word
    client: str,
    listener: str,
    host: bytes,
    method: bytes,
    target: bytes,
    status: int,
    bytes_in: int,
    bytes_out: int,
    seconds: float,
    upstream: str = "",
    upstream_seconds: float = 0.0,
    verdict: str = "allow",
    score: int = 0,
    rules: Sequence[str] = (),
    reason: str = "",
    enforced: bool = True,
) -> bytes:
    """The access record of an exchange. `ts` is when it began (`time.time()`), durations are in seconds.

    `id`, `listener`, `upstream` and `verdict` are our own words and names, `client` an address: they hold
    nothing to escape (configuration names are checked at load). `reason` is left out when empty,
    `enforced` when true: it is false where the route only detects.
    """
    return (
        f'{{"ts":"{timestamp(ts)}","type":"http","id":"{id}","client":"{client}","listener":"{listener}",'
        f'"host":{quoted(host)},"method":{quoted(method)},"target":{quoted_target(target)},'
        f'"status":{status},"bytes_in":{bytes_in},"bytes_out":{bytes_out},"ms":{hundredths(seconds * 1000)},'
        f'"upstream":"{upstream}","upstream_ms":{hundredths(upstream_seconds * 1000)},'
        f"{_end(verdict, score, rules, reason, enforced)}"
    ).encode("ascii")


def _end(verdict: str, score: int, rules: Sequence[str], reason: str, enforced: bool) -> str:
    if not rules and not reason and verdict == "allow" and not score and enforced:
        return _NOTHING_FOUND
    why = f',"reason":{quote(reason)}' if reason else ""
    only = "" if enforced else ',"enforced":false'
    return f'"verdict":"{verdict}","score":{score},"rules":{listed(rules)}{why}{only}}}'


def encode_smtp_access(
    *,
    ts: float,
    id: str,  # noqa: A002 - the record's own word
    client: str,
    listener: str,
    helo: bytes,
    sender: bytes,
    recipients: Sequence[bytes],
    code: int,
    bytes_in: int,
    seconds: float,
    tls: bool = False,
    upstream: str = "",
    upstream_seconds: float = 0.0,
    verdict: str = "allow",
    score: int = 0,
    rules: Sequence[str] = (),
    reason: str = "",
    enforced: bool = True,
) -> bytes:
    """The access record of a message: from MAIL to its reply, whose code is `code`. As `encode_http_access`."""
    named = ",".join(quoted(one) for one in recipients[:RECIPIENTS])
    return (
        f'{{"ts":"{timestamp(ts)}","type":"smtp","id":"{id}","client":"{client}","listener":"{listener}",'
        f'"helo":{quoted(helo)},"tls":{"true" if tls else "false"},"sender":{quoted(sender)},"to":[{named}],'
        f'"recipients":{len(recipients)},"code":{code},"bytes_in":{bytes_in},"ms":{hundredths(seconds * 1000)},'
        f'"upstream":"{upstream}","upstream_ms":{hundredths(upstream_seconds * 1000)},'
        f"{_end(verdict, score, rules, reason, enforced)}"
    ).encode("ascii")


def shown(value: bytes) -> str:
    """A peer's bytes for a message to a person: bounded, without control characters."""
    return printable(value[:NAME_BYTES])
