"""Transformations for comments of SQL, C and HTML.

`remove_comments` keeps two habits of the reference engine, because rules are tried against it: the byte after the
end of a comment is copied unread, and a comment that ends the value leaves a NUL.
"""

from __future__ import annotations

import re
from typing import Final

_BLOCK: Final = re.compile(rb"/\*.*?(?:\*/|\Z)", re.DOTALL)
_MARKS: Final = re.compile(rb"/\*|\*/|<!--|-->|--|#")
_BEGIN: Final = re.compile(rb"/\*|<!--|--|#")
_END: Final = re.compile(rb"\*/|-->")


def replace_comments(value: bytes) -> bytes:
    """A space for each `/* */`, also for one that is never closed."""
    return _BLOCK.sub(b" ", value) if value.find(b"/*") >= 0 else value


def remove_comments_char(value: bytes) -> bytes:
    """Without the marks themselves: `/*`, `*/`, `<!--`, `-->`, `--`, `#`."""
    return _MARKS.sub(b"", value)


def remove_comments(value: bytes) -> bytes:
    """Without `/* */` and `<!-- -->`; cut at `--` or `#`. A comment that is never closed leaves a space."""
    out: list[bytes] = []
    at = 0
    while (begin := _BEGIN.search(value, at)) is not None:
        out.append(value[at : begin.start()])
        if begin[0] in (b"--", b"#"):
            return b"".join(out)
        end = _END.search(value, begin.end())
        if end is None:
            out.append(b" ")
            return b"".join(out)
        at = end.end() + 1
        out.append(value[end.end() : at] or b"\0")
    out.append(value[at:])
    return b"".join(out)
