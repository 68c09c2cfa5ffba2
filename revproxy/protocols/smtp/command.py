"""Command lines: the verb, and the arguments of MAIL and RCPT (RFC 5321 4.1.1, RFC 1870, 6152, 6531).

A line comes with its line end. Nothing here knows which command is allowed when.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from revproxy.model import SmtpLimits
from revproxy.protocols.smtp.address import Address, parse_path
from revproxy.protocols.smtp.refusals import (
    BAD_COMMAND,
    BAD_LINE,
    BAD_MAIL,
    BAD_PARAMETER,
    BAD_RCPT,
    BAD_RECIPIENT,
    BAD_SENDER,
    LONG_LINE,
    NEEDS_UTF8,
    UNKNOWN_PARAMETER,
    refuse,
)

_VERB = re.compile(rb"[A-Za-z]{1,12}\Z")
_SIZE = re.compile(rb"[0-9]{1,15}\Z")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Command:
    """`verb` in upper case; `argument` without the space before it and the white space after it."""

    verb: bytes
    argument: bytes


@dataclass(frozen=True, slots=True)
class MailFrom:
    """MAIL. `size` is what the client declared, 0 when it did not; `eightbit` is BODY=8BITMIME."""

    sender: Address
    size: int = 0
    eightbit: bool = False
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class RcptTo:
    """RCPT."""

    recipient: Address


def parse_command(line: bytes, limits: SmtpLimits) -> Command:
    """A whole line. SmtpError for a line that does not end in CRLF, is too long, or holds no verb."""
    if not line.endswith(b"\r\n") or _CONTROL.search(line, 0, len(line) - 2):
        raise refuse(BAD_LINE)
    if len(line) - 2 > limits.command_bytes:
        raise refuse(LONG_LINE)
    verb, _, argument = line[:-2].partition(b" ")
    if not _VERB.match(verb):
        raise refuse(BAD_COMMAND)
    return Command(verb.upper(), argument.rstrip(b" "))


def parse_mail(argument: bytes, extended: bool = True) -> MailFrom:
    """The argument of MAIL. Without EHLO (`extended` false) no parameter is known."""
    if argument[:5].upper() != b"FROM:":
        raise refuse(BAD_MAIL)
    path = parse_path(argument[5:])
    if path is None or (path.address.local and not path.address.domain):
        raise refuse(BAD_SENDER)
    size, eightbit, utf8 = _mail_parameters(path.rest if extended else b"", path.rest, extended)
    if not path.address.ascii and not utf8:
        raise refuse(NEEDS_UTF8)
    return MailFrom(path.address, size, eightbit, utf8)


def _mail_parameters(rest: bytes, written: bytes, extended: bool) -> tuple[int, bool, bool]:
    if written and not extended:
        raise refuse(UNKNOWN_PARAMETER)
    found: dict[bytes, bytes] = {}
    for word in rest.split(b" ") if rest else ():
        name, _, value = word.partition(b"=")
        name = name.upper()
        if name in found or name not in (b"SIZE", b"BODY", b"SMTPUTF8"):
            raise refuse(UNKNOWN_PARAMETER)
        if (name == b"SMTPUTF8" and b"=" in word) or (name == b"SIZE" and not _SIZE.match(value)):
            raise refuse(BAD_PARAMETER)
        found[name] = value.upper()
    body = found.get(b"BODY", b"7BIT")
    if body not in (b"7BIT", b"8BITMIME"):
        raise refuse(BAD_PARAMETER)
    return int(found.get(b"SIZE", b"0")), body == b"8BITMIME", b"SMTPUTF8" in found


def parse_rcpt(argument: bytes, utf8: bool = False) -> RcptTo:
    """The argument of RCPT: no parameters (we offer no DSN). `utf8`: the message declared SMTPUTF8."""
    if argument[:3].upper() != b"TO:":
        raise refuse(BAD_RCPT)
    path = parse_path(argument[3:])
    if path is None or path.address.null:
        raise refuse(BAD_RECIPIENT)
    if path.rest:
        raise refuse(UNKNOWN_PARAMETER)
    if not path.address.ascii and not utf8:
        raise refuse(NEEDS_UTF8)
    return RcptTo(path.address)
