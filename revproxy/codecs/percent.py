"""Percent decoding, as forms, URLs and rules mean it. Pure, linear, never fails: what is no escape stays as it is.

Three readings and no more: `decode_percent` (RFC 3986 2.1), `decode_form` (the same with `+` for a space, as in
application/x-www-form-urlencoded) and `decode_form_wide` (also `%uHHHH`, which some servers accept). Each decodes
once; who wants it twice calls twice. Splitting into names and values does not belong here.
"""

from __future__ import annotations

from typing import Final

from revproxy.codecs.marks import PERCENT, PLUS

_HEX: Final = "0123456789abcdefABCDEF"
_BYTES: Final = {(a + b).encode(): bytes((int(a + b, 16),)) for a in _HEX for b in _HEX}
FULL_WIDTH: Final = 0x20
"""What lies between the low byte of U+FF01..U+FF5E and the ASCII character that looks like it."""


def decode_percent(value: bytes) -> bytes:
    """Replace each `%xx` by its byte. A `%` without two hexadecimal digits stays."""
    if PERCENT not in value:
        return value
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
    pieces = value.split(b"%")
    get = _BYTES.get
    out = [pieces[0]]
    for piece in pieces[1:]:
        byte = get(piece[:2])
        if byte is not None:
            out.append(byte)
            out.append(piece[2:])
        elif (wide := _WIDE.get(piece[:5]) or _wide(piece[:5])) is not None:
            out.append(wide)
            out.append(piece[5:])
        else:
            out.append(b"%")
            out.append(piece)
    return b"".join(out)


_WIDE: Final[dict[bytes, bytes]] = {}
"""What was made of `uHHHH` lately: texts are written in few characters."""
_MOST_WIDE: Final = 4096


def _wide(escape: bytes) -> bytes | None:
    """The byte for `uHHHH`, as `wide_byte`; None for what is no such escape."""
    if escape[:1] not in (b"u", b"U") or _BYTES.get(escape[1:3]) is None or _BYTES.get(escape[3:]) is None:
        return None
    if len(_WIDE) >= _MOST_WIDE:
        _WIDE.clear()
    byte = _WIDE[escape] = wide_byte(escape[1:])
    return byte


def wide_byte(digits: bytes) -> bytes:
    """One byte for four hexadecimal digits: the low byte, or ASCII for a full-width form of it."""
    low = int(digits[2:], 16)
    if 0 < low < 0x5F and digits[:2].lower() == b"ff":
        low += FULL_WIDTH
    return bytes((low,))
