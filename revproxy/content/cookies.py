"""The Cookie header: names and values as they arrived, and unquoted where quotes change their meaning.

Called for every request with cookies. Browsers send `name=value; name=value` (RFC 6265, 5.4) and nothing is decoded
in that: `parse_cookies` reads it as libmodsecurity 3 does. Servers differ in blanks and in pieces without `=`, and
several still read RFC 2109 quoting: in `a="x\\"; b=1"` there is one cookie for them and two for the others, and
`"\\074"` is `<`. `other_cookies` has what the others find.
Invariants: two lists of one length, of what is in the header, in its order. The caller bounds the header's length.
"""

from __future__ import annotations

import re
from typing import Final

# name = "quoted string", wherever a cookie may begin. The string may hold `;` and escaped quotes.
_QUOTED: Final = re.compile(rb'(?:^|[;,])([^=;,"]*)=[ \t]*"((?:[^"\\]|\\.)*)"', re.DOTALL)
# What is read alike by everybody: names and values without quotes and blanks, an equals sign in each.
_USUAL: Final = re.compile(rb'[^=;" \t]++=[^;" \t]*+(?:; ?[^=;" \t]++=[^;" \t]*+)*;?')
_BLANK: Final = b" \t"
_ESCAPE: Final = re.compile(rb"\\([0-3][0-7][0-7]|.)", re.DOTALL)


def parse_cookies(value: bytes) -> tuple[list[bytes], list[bytes]]:
    """Names without blanks before them, and values as they stand; a name that is empty is none. Never raises."""
    names: list[bytes] = []
    values: list[bytes] = []
    pieces = value.removesuffix(b";").split(b";")
    pieces[-1] = pieces[-1].rstrip(_BLANK)
    for piece in pieces:
        name, _, content = piece.partition(b"=")
        name = name.lstrip(_BLANK)
        if name:
            names.append(name)
            values.append(content)
    return names, values


def other_cookies(value: bytes) -> tuple[list[bytes], list[bytes]] | None:
    """All names and values that some server reads, where that may be more than the first reading.

    A piece without `=` is listed as both a name and a value. Never raises.
    """
    if _USUAL.fullmatch(value):
        return None
    names: list[bytes] = []
    values: list[bytes] = []
    for piece in value.split(b";"):
        name, equals, content = piece.partition(b"=")
        name = name.strip(b" \t")
        if equals:
            names.append(name)
            values.append(content.strip(b" \t"))
        elif name:
            names.append(name)
            values.append(name)
    if b'"' in value:
        _add_unquoted(value, names, values)
    return names, values


def _add_unquoted(value: bytes, names: list[bytes], values: list[bytes]) -> None:
    for name, quoted in _QUOTED.findall(value):
        names.append(name.strip(b" \t"))
        values.append(_ESCAPE.sub(_unescape, quoted))


def _unescape(found: re.Match[bytes]) -> bytes:
    what = found[1]
    return bytes((int(what, 8),)) if len(what) == 3 else what
