"""Content-Type, strictly: one media type with its parameters, or a refusal.

Invariants: what `parse_media` returns was written in exactly one way that every reader takes alike: one type, no
comma, no parameter twice, no RFC 2231 continuation (`boundary*0=`), no byte outside printable ASCII. Everything
else is a ContentError: servers differ in which half of an ambiguous type they believe.
What does not belong here: which reader serves which type (`content.body`), and mail, where types are read leniently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from revproxy.errors import ContentError

_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE: Final = re.compile(rb"[ \t]*(" + _TOKEN + rb"/" + _TOKEN + rb")[ \t]*(?=;|\Z)")
# One parameter, or nothing between two semicolons (RFC 9110, 5.6.6). A quoted string has no bytes over 0x7e here.
_PARAMETER: Final = re.compile(
    rb";[ \t]*(?:(" + _TOKEN + rb")=(?:(" + _TOKEN + rb')|"((?:[\t !#-\[\]-~]|\\[\t -~])*)"))?[ \t]*(?=;|\Z)'
)
_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)

_PLAIN_CHARSETS: Final = frozenset(
    {b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso8859-1", b"latin1", b"iso_8859-1"}
)
_ASCII_CHARSETS: Final = _PLAIN_CHARSETS | frozenset(
    {b"iso-8859-%d" % n for n in range(2, 17)} | {b"windows-%d" % n for n in range(1250, 1259)}
)


@dataclass(frozen=True, slots=True)
class MediaType:
    """`essence` is `type/subtype` in lower case; parameter names are in lower case, values unquoted."""

    essence: bytes
    parameters: dict[bytes, bytes] = field(default_factory=dict)
    escaped: bool = False
    """a parameter was written with a backslash: readers differ in how they take that"""


def parse_media(value: bytes) -> MediaType:
    """Parse a Content-Type (RFC 9110, 8.3.1). Raises ContentError("content_type")."""
    start = _TYPE.match(value)
    if start is None:
        raise ContentError("content_type")
    essence, at, escaped = start[1].lower(), start.end(), False
    parameters: dict[bytes, bytes] = {}
    while at < len(value):
        found = _PARAMETER.match(value, at)
        if found is None:
            raise ContentError("content_type")
        at = found.end()
        if found[1] is None:
            continue
        name = found[1].lower()
        if name in parameters or b"*" in name:
            raise ContentError("content_type")
        text = found[2]
        if text is None:
            text = _PAIR.sub(rb"\1", found[3])
            escaped = escaped or b"\\" in found[3]
        parameters[name] = text
    return MediaType(essence, parameters, escaped)


def plain_charset(name: bytes) -> bool:
    """Whether text of this charset is read by us as it stands: UTF-8, ASCII or Latin-1."""
    return name.lower() in _PLAIN_CHARSETS


def ascii_charset(name: bytes) -> bool:
    """Whether every ASCII byte means itself in this charset, so that raw inspection sees what an application sees."""
    return name.lower() in _ASCII_CHARSETS
