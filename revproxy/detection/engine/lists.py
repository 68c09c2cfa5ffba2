"""Transformations of many values at once, where that is much cheaper than one call for each.

Invariant: the result is what the transformation makes of each value, in order. Those that look at no more than a few
neighbouring bytes, none of them NUL, are carried out once on the values joined with NUL.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable
from typing import Final

from revproxy.codecs.marks import EQUALS, NEWLINE, NUL
from revproxy.detection.transformations import TRANSFORMATIONS

Many = Callable[[list[bytes]], list[bytes]]

_DIGITS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_DIGITS: Final = bytes(b for b in range(1, 256) if b not in _DIGITS)
_PADDING: Final = (b"", b"", b"==", b"=")


def _base64_ext(values: list[bytes]) -> list[bytes]:
    """All other bytes are taken out of the joined values in one go; padding inside needs the long way."""
    joined = b"\0".join(values)
    if EQUALS in joined or joined.count(0) != len(values) - 1:
        function = TRANSFORMATIONS["base64DecodeExt"]
        return [function(v) for v in values]
    texts = joined.translate(None, _NO_DIGITS).split(b"\0")
    return [a2b_base64(t[:-1] if len(t) & 3 == 1 else t + _PADDING[len(t) & 3]) for t in texts]


def _at_once(name: str) -> Many:
    """For a transformation that takes NUL for any other byte that it leaves alone."""
    function = TRANSFORMATIONS[name]

    def run(values: list[bytes]) -> list[bytes]:
        joined = b"\0".join(values)
        borders = len(values) - 1
        if joined.count(0) == borders:
            changed = function(joined)
            if changed.count(0) == borders:
                return changed.split(b"\0")
        return [function(v) for v in values]

    return run


def _base64(values: list[bytes]) -> list[bytes]:
    """Where there are no lines, no NUL and no blanks at an end, only whole groups of four are decoded."""
    function = TRANSFORMATIONS["base64Decode"]
    joined = b"\0".join(values)
    if NEWLINE in joined or joined.find(b" \0") >= 0 or joined[-1:] == b" " or joined.count(0) != len(values) - 1:
        return [function(v) for v in values]
    return [v if len(v) & 3 else a2b_base64(v) if v.isalnum() else function(v) for v in values]


def _holding(name: str, mark: bytes) -> Many:
    """For a transformation that leaves values without the mark alone."""
    function = TRANSFORMATIONS[name]
    return lambda values: [function(v) if v.find(mark) >= 0 else v for v in values]


def _utf8(values: list[bytes]) -> list[bytes]:
    function = TRANSFORMATIONS["utf8toUnicode"]
    return [v if v.isascii() and NUL not in v else function(v) for v in values]


JOINABLE: Final = (
    "cmdLine",
    "compressWhitespace",
    "foldUnicode",
    "htmlEntityDecode",
    "lowercase",
    "removeWhitespace",
    "uppercase",
    "urlDecode",
    "urlDecodeUni",
)
MARKS: Final = {
    "cssDecode": b"\\",
    "escapeSeqDecode": b"\\",
    "jsDecode": b"\\",
    "removeNulls": b"\0",
    "replaceComments": b"/*",
    "replaceNulls": b"\0",
}
_MANY: Final[dict[str, Many]] = {
    "base64Decode": _base64,
    "base64DecodeExt": _base64_ext,
    "utf8toUnicode": _utf8,
    **{name: _at_once(name) for name in JOINABLE},
    **{name: _holding(name, mark) for name, mark in MARKS.items()},
}


def many(name: str) -> Many:
    """The transformation of this name, for a list of values."""
    if name in _MANY:
        return _MANY[name]
    function = TRANSFORMATIONS[name]
    return lambda values: [function(v) for v in values]
