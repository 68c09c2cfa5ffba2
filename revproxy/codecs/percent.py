"""Percent decoding, as forms, URLs and rules mean it. Pure, linear, never fails: what is no escape stays as it is.

Three readings and no more: `decode_percent` (RFC 3986 2.1), `decode_form` (the same with `+` for a space, as in
application/x-www-form-urlencoded) and `decode_form_wide` (also `%uHHHH`, which some servers accept). Each decodes
once; who wants it twice calls twice. Splitting into names and values does not belong here.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from revproxy.codecs.marks import PERCENT, PLUS

_HEX: Final = "0123456789abcdefABCDEF"
_BYTES: Final = {(a + b).encode(): bytes((int(a + b, 16),)) for a in _HEX for b in _HEX}
for _name in ("unicode_escape", "utf-16-le"):
    # Python loads what knows an encoding when it is first asked for: a worker cannot open files by then.
    codecs.lookup(_name)
_STRAY: Final = re.compile(rb"%(?![0-9a-fA-F]{2})")
_WIDE_STRAY: Final = re.compile(rb"%(?![0-9a-fA-F]{2}|[uU][0-9a-fA-F]{4})")
"""A `%` that begins no escape."""
_LONG: Final = 32
"""Shorter values are sooner taken apart at each escape."""
_FULL: Final = 0xFF
"""The high byte of full-width forms, and of some others."""
FULL_WIDTH: Final = 0x20
"""What lies between the low byte of U+FF01..U+FF5E and the ASCII character that looks like it."""


def decode_percent(value: bytes) -> bytes:
    """Replace each `%xx` by its byte. A `%` without two hexadecimal digits stays."""
    if PERCENT not in value:
        return value
    if len(value) >= _LONG:
        return _at_once(value)
    pieces = value.split(b"%")
    get = _BYTES.get
    out = [pieces[0]]
    for piece in pieces[1:]:
        byte = get(piece[:2])
        if byte is None:
            out.append(b"%")
            out.append(piece)
        else:
            out.append(byte)
            out.append(piece[2:])
    return b"".join(out)


def _at_once(value: bytes) -> bytes:
    """All escapes as Python's own, which C decodes in one go."""
    value = value.replace(b"\\", b"\\x5c")
    try:
        text = value.replace(b"%", b"\\x").decode("unicode_escape")
    except UnicodeDecodeError:
        text = _STRAY.sub(b"%25", value).replace(b"%", b"\\x").decode("unicode_escape")
    return text.encode("latin-1")


def decode_form(value: bytes) -> bytes:
    """Replace each `+` by a space, then each `%xx` by its byte. A `%` without two hexadecimal digits stays."""
    if PLUS in value:
        value = value.replace(b"+", b" ")
    return decode_percent(value) if PERCENT in value else value


def decode_form_wide(value: bytes) -> bytes:
    """`decode_form` that also knows `%uHHHH`: the low byte, full-width ASCII (U+FF01 to U+FF5E) as plain ASCII."""
    if PLUS in value:
        value = value.replace(b"+", b" ")
    if PERCENT not in value:
        return value
    if value.find(b"%u") < 0 and value.find(b"%U") < 0:
        return decode_percent(value)
    if (decoded := _wide_at_once(value)) is not None:
        return decoded
    pieces = value.split(b"%")
    return pieces[0] + b"".join(map(_wide_piece, pieces[1:]))


def _wide_at_once(value: bytes) -> bytes | None:
    """As `_at_once`; None for full-width forms. A code point is two bytes in UTF-16, the low one first."""
    value = value.replace(b"\\", b"\\x5c")
    try:
        text = _wide_text(value)
    except UnicodeDecodeError:
        text = _wide_text(_WIDE_STRAY.sub(b"%25", value))
    points = text.encode("utf-16-le", "surrogatepass")
    return points[::2] if _FULL not in points[1::2] else None


def _wide_text(value: bytes) -> str:
    return value.replace(b"%U", b"%u").replace(b"%u", b"\\u").replace(b"%", b"\\x").decode("unicode_escape")


def _wide_piece(piece: bytes) -> bytes:
    """What follows a `%`, decoded."""
    byte = _BYTES.get(piece[:2])
    if byte is not None:
        return byte + piece[2:]
    if piece[:1] in (b"u", b"U"):
        high, low = _BYTES.get(piece[1:3]), _BYTES.get(piece[3:5])
        if high is not None and low is not None:
            return (wide_byte(piece[1:5]) if high == b"\xff" else low) + piece[5:]
    return b"%" + piece


def wide_byte(digits: bytes) -> bytes:
    """One byte for four hexadecimal digits: the low byte, or ASCII for a full-width form of it."""
    low = int(digits[2:], 16)
    if 0 < low < 0x5F and digits[:2].lower() == b"ff":
        low += FULL_WIDTH
    return bytes((low,))
