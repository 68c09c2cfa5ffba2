"""Transformations for file paths and command lines."""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.marks import DOT

_SEPARATORS: Final = bytes.maketrans(b",;\t\n\r", b"     ")
_SPACES: Final = re.compile(rb" +")


def normalise_path(value: bytes) -> bytes:
    """Without repeated slashes, `.` and `..` segments; `..` in front of a relative path stays.

    Three habits of the reference engine are kept, because rules are tried against it: a longer segment that ends in
    `..` vanishes too; after a relative path was taken back to nothing, `..` stays until a segment of two characters
    or more came; and a path that shrinks to its root is nothing unless it ended in a slash.
    """
    if DOT not in value and value.find(b"//") < 0:
        return value
    relative = value[:1] != b"/"
    out: list[bytes] = []
    spent = False
    for segment in value.split(b"/"):
        if segment in (b"", b"."):
            continue
        if not segment.endswith(b".."):
            if not segment.endswith(b".") and (out or len(segment) > 1):
                spent = False
            out.append(segment)
        elif relative and (spent or (not out and len(segment) <= 3)):
            out.append(segment)
            spent = True
        else:
            if segment == b"..":
                del out[-1:]
            spent = spent or not out
    text = b"/".join(out)
    if out and not relative:
        text = b"/" + text
    return text + b"/" if value[-1:] == b"/" and (out or not relative) else text


def normalise_path_win(value: bytes) -> bytes:
    r"""The same, with `\` for `/` first."""
    return normalise_path(value.replace(b"\\", b"/"))


def cmd_line(value: bytes) -> bytes:
    r"""What a shell would read: no `\ " ' ^`, separators as one space, none before `/` and `(`, lower case."""
    value = value.translate(_SEPARATORS, b"\\\"'^").lower()
    if value.find(b"  ") >= 0:
        value = _SPACES.sub(b" ", value)
    return value.replace(b" /", b"/").replace(b" (", b"(")
