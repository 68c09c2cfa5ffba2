"""Mailbox addresses and paths, in a strict subset of RFC 5321 4.1.2.

Taken: `<local@domain>` where local is a dot-atom or a quoted string, and domain a host name or an address literal;
`<>` as a sender; `<postmaster>` as a recipient. Refused, although some servers read them: addresses without
brackets, source routes, comments, white space, control characters, empty labels, a trailing dot. Non-ASCII octets
are taken only under SMTPUTF8, as valid UTF-8 (RFC 6531).

Whether an address is wanted here is not this module's business; whether it could be read in two ways is:
`Address.plain` is false for every local part that some mail server takes apart again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOCAL_BYTES = 64
"""RFC 5321 4.5.3.1.1"""
DOMAIN_BYTES = 255
PATH_BYTES = 254
"""RFC 5321 4.5.3.1.3 counts 256 with the brackets."""

_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]"
_DOT_ATOM = re.compile(rb"%b+(?:\.%b+)*\Z" % (_ATEXT, _ATEXT))
_QUOTED = re.compile(rb'"(?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*"\Z')
_LABEL = rb"[A-Za-z0-9_\x80-\xff](?:[A-Za-z0-9_\x80-\xff-]{0,61}[A-Za-z0-9_\x80-\xff])?"
_DOMAIN = re.compile(rb"%b(?:\.%b)*\Z" % (_LABEL, _LABEL))
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_LITERAL4 = re.compile(rb"\[%b(?:\.%b){3}\]\Z" % (_OCTET, _OCTET))
_LITERAL6 = re.compile(rb"\[[Ii][Pp][Vv]6:[0-9A-Fa-f:.]{2,45}\]\Z")
_DIGITS_ONLY = re.compile(rb"[0-9.]+\Z")
_HELO = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?\.?\Z")

_TAKEN_APART = frozenset(b'%!@"\\:;,()<>[] |`/')
"""Octets of a local part that a mail server may route by, or hand to a shell or a file name."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox. `domain` is lower case; `local` as written. An empty `local` is the null sender."""

    local: bytes
    domain: bytes

    def __bytes__(self) -> bytes:
        return b"%b@%b" % (self.local, self.domain) if self.domain else self.local

    @property
    def null(self) -> bool:
        """Whether this is `<>`."""
        return not self.local

    @property
    def ascii(self) -> bool:
        """Whether it goes over a wire without SMTPUTF8."""
        return self.local.isascii() and self.domain.isascii()

    @property
    def plain(self) -> bool:
        """Whether every mail server reads the local part as one name and nothing else."""
        return not _TAKEN_APART.intersection(self.local) and not self.local.startswith((b"-", b"."))


NULL = Address(b"", b"")


@dataclass(frozen=True, slots=True)
class Path:
    """An address in brackets and what followed it (parameters, without the space)."""

    address: Address
    rest: bytes


def parse_path(argument: bytes) -> Path | None:
    """`<...>` and the rest of a MAIL or RCPT argument; None when it is no path of ours.

    `argument` is a command's argument after the colon, at most a command line long. One space after the colon is
    forgiven: many senders write it.
    """
    if argument.startswith(b" "):
        argument = argument[1:]
    if not argument.startswith(b"<"):
        return None
    end = _closing(argument)
    if end < 0 or end - 1 > PATH_BYTES:
        return None
    rest = argument[end + 1 :]
    if rest and not rest.startswith(b" "):
        return None
    address = parse_address(argument[1:end])
    return None if address is None else Path(address, rest[1:])


def _closing(argument: bytes) -> int:
    """Where the path's `>` stands: one inside a quoted local part does not count."""
    if not argument.startswith(b'<"'):
        return argument.find(b">")
    at = 2
    while at < len(argument) and argument[at] != 0x22:
        at += 2 if argument[at] == 0x5C else 1
    return argument.find(b">", at)


def parse_address(text: bytes) -> Address | None:
    """What stands between the brackets; None when it is no address of ours."""
    if not text:
        return NULL
    if text.lower() == b"postmaster":
        return Address(text, b"")
    local, at, domain = text.rpartition(b"@")
    if not at or not 0 < len(local) <= LOCAL_BYTES or not 0 < len(domain) <= DOMAIN_BYTES:
        return None
    if not (_DOT_ATOM.match(local) or _QUOTED.match(local)) or not is_domain(domain):
        return None
    if not text.isascii() and not _is_utf8(text):
        return None
    return Address(local, domain.lower())


def is_domain(text: bytes) -> bool:
    """A host name of letters, digits, hyphens (and underscores), or an address literal."""
    if text.startswith(b"["):
        return bool(_LITERAL4.match(text) or _LITERAL6.match(text))
    return bool(_DOMAIN.match(text)) and not _DIGITS_ONLY.match(text)


def is_helo(text: bytes) -> bool:
    """What a client may call itself: looser than a domain, yet safe in a header field and in XCLIENT."""
    if text.startswith(b"["):
        return bool(_LITERAL4.match(text) or _LITERAL6.match(text))
    return bool(_HELO.match(text))


def _is_utf8(text: bytes) -> bool:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    # C1 controls, and the separators that some readers take for line ends.
    return not any("\x80" <= c <= "\x9f" or c in "\u2028\u2029\ufeff" for c in decoded)
