r"""Backslash escapes of three languages: JavaScript, CSS and ANSI C (shells).

Pure, linear, never fails. All three drop the backslash of an escape that they do not know, except that JavaScript
and C keep one at the very end of the value. Each decodes once.
"""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.marks import BACKSLASH
from revproxy.codecs.percent import FULL_WIDTH, wide_byte

_LETTERS: Final = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

_JS: Final = re.compile(
    rb"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-3][0-7]{2}|[0-7]{1,2})|(.))",
    re.DOTALL,
)
_C: Final = re.compile(rb"\\(?:[xX]([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_CSS: Final = re.compile(rb"\\(?:([0-9a-fA-F]{1,6})[ \t\n\r\f\v]?|\n|(.)|\Z)", re.DOTALL)


def decode_js(value: bytes) -> bytes:
    r"""`\uHHHH` (low byte; full-width forms as ASCII), `\xHH`, octal up to `\377`, and the C letters."""
    return _JS.sub(_js, value) if BACKSLASH in value else value


def _js(match: re.Match[bytes]) -> bytes:
    wide, pair, octal, other = match.groups()
    if other is not None:
        return _LETTERS.get(other, other)
    if wide is not None:
        return wide_byte(wide)
    return bytes((int(pair, 16) if pair is not None else int(octal, 8),))


def decode_c(value: bytes) -> bytes:
    r"""`\xHH`, octal of up to three digits (the low byte), and the C letters."""
    return _C.sub(_c, value) if BACKSLASH in value else value


def _c(match: re.Match[bytes]) -> bytes:
    pair, octal, other = match.groups()
    if other is not None:
        return _LETTERS.get(other, other)
    return bytes((int(pair, 16) if pair is not None else int(octal, 8) & 0xFF,))


def decode_css(value: bytes) -> bytes:
    """One to six hexadecimal digits (the low byte) with one white space after them; an escaped newline vanishes."""
    return _CSS.sub(_css, value) if BACKSLASH in value else value


def _css(match: re.Match[bytes]) -> bytes:
    digits, other = match.groups()
    if digits is None:
        return other or b""
    low = int(digits[-2:], 16)
    if len(digits) >= 4 and 0 < low < 0x5F and digits[-4:-2].lower() == b"ff" and not digits[:-4].strip(b"0"):
        low += FULL_WIDTH
    return bytes((low,))
