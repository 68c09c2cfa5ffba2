"""One JSON line for each transaction, put together by hand because it is done for every request.

Every byte of a peer goes through the JSON encoder's own C escape after Latin-1, so that no value can end its string,
its line or the terminal of who reads it. Secrets in the target are masked (`redaction`). Nothing here writes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote

from revproxy.audit.redaction import printable, redact_target
from revproxy.codecs.marks import QUESTION

TARGET_BYTES = 2_048
"""Longest target in a record; the rest is cut off."""
NAME_BYTES = 320
"""Longest host, method, HELO name or address in a record."""
RECIPIENTS = 20
"""Most recipients that a record names; `recipients` counts them all."""

_NOTHING_FOUND = '"verdict":"allow","score":0,"rules":[]}'
"""How the record of nearly every transaction ends."""

_second = -1
_prefix = ""


def timestamp(now: float) -> str:
    """RFC 3339 in UTC with milliseconds; `now` is `time.time()`. The text of a second is made once."""
    global _second, _prefix
    second = int(now)
    if second != _second:
        _prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        _second = second
    return f"{_prefix}{int((now - second) * 1000):03d}Z"


@lru_cache(maxsize=1024)
def _text(value: bytes) -> str:
    """A peer's bytes as a quoted JSON string of ASCII. Hosts and methods repeat: they are quoted once."""
    return quote(value[:NAME_BYTES].decode("latin-1"))


def _target(target: bytes) -> str:
    """A target as a quoted JSON string, its secrets masked; paths without a query repeat and are looked up."""
    return _path(target) if QUESTION not in target else quote(redact_target(target).decode("latin-1"))


@lru_cache(maxsize=4096)
def _path(path: bytes) -> str:
    return quote(redact_target(path).decode("latin-1"))


def listed(words: Sequence[str]) -> str:
    """Words as a JSON array."""
    return "[" + ",".join(map(quote, words)) + "]" if words else "[]"


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
        f'"host":{_text(host)},"method":{_text(method)},"target":{_target(target[:TARGET_BYTES])},'
        f'"status":{status},"bytes_in":{bytes_in},"bytes_out":{bytes_out},"ms":{seconds * 1000:.2f},'
        f'"upstream":"{upstream}","upstream_ms":{upstream_seconds * 1000:.2f},'
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
    named = ",".join(_text(one) for one in recipients[:RECIPIENTS])
    return (
        f'{{"ts":"{timestamp(ts)}","type":"smtp","id":"{id}","client":"{client}","listener":"{listener}",'
        f'"helo":{_text(helo)},"tls":{"true" if tls else "false"},"sender":{_text(sender)},"to":[{named}],'
        f'"recipients":{len(recipients)},"code":{code},"bytes_in":{bytes_in},"ms":{seconds * 1000:.2f},'
        f'"upstream":"{upstream}","upstream_ms":{upstream_seconds * 1000:.2f},'
        f"{_end(verdict, score, rules, reason, enforced)}"
    ).encode("ascii")


def shown(value: bytes) -> str:
    """A peer's bytes for a message to a person: bounded, without control characters."""
    return printable(value[:NAME_BYTES])
