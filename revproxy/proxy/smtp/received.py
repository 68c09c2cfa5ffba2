"""The Received field that we put in front of a message: the one thing that we change (RFC 5321 4.4, RFC 3848, 6531).

Everything that goes into it is either ours or has passed a grammar (`is_helo`, an address of the socket).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Hop:
    """What a Received field tells. `address` is the client's, as text."""

    helo: bytes
    address: str
    hostname: str
    extended: bool
    tls: bool
    utf8: bool
    id: str


def received(hop: Hop, now: float) -> bytes:
    """The field, folded, with its line end. `now` in seconds of the Unix epoch."""
    literal = f"IPv6:{hop.address}" if ":" in hop.address else hop.address
    text = (
        f"Received: from {hop.helo.decode('ascii')} ([{literal}])\r\n"
        f"\tby {hop.hostname} with {with_protocol(hop)} id {hop.id};\r\n"
        f"\t{date(now)}\r\n"
    )
    return text.encode("ascii")


def with_protocol(hop: Hop) -> str:
    """The registered name of what the client spoke."""
    if not hop.extended:
        return "SMTP"
    return ("UTF8SMTP" if hop.utf8 else "ESMTP") + ("S" if hop.tls else "")


def date(now: float) -> str:
    """RFC 5322 3.3, in UTC, whatever the locale."""
    t = time.gmtime(now)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday} {_MONTHS[t.tm_mon - 1]} {t.tm_year} "
        f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"
    )
