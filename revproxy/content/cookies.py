"""The Cookie header: names and values as they arrived, and unquoted where quotes change their meaning.

Called for every request with cookies. Browsers send `name=value; name=value` (RFC 6265, 5.4) and nothing is decoded
in that. Several servers still read RFC 2109 quoting: in `a="x\\"; b=1"` there is one cookie for them and two for the
others, and `"\\074"` is `<`. So a header with a quote is read both ways, and both readings are listed.
Invariants: two lists of one length; what the first reading found comes first. The caller bounds the header's length.
"""

from __future__ import annotations

import re

# name = "quoted string", wherever a cookie may begin. The string may hold `;` and escaped quotes.
_QUOTED = re.compile(rb'(?:^|[;,])([^=;,"]*)=[ \t]*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-3][0-7][0-7]|.)", re.DOTALL)


def parse_cookies(value: bytes) -> tuple[list[bytes], list[bytes]]:
    """Names and values. A piece without `=` is listed as both a name and a value: servers differ. Never raises."""
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
