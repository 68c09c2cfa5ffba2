"""Transformations for URL encoding."""

from __future__ import annotations

from typing import Final

from revproxy.codecs.charset import code_points
from revproxy.codecs.percent import decode_form, decode_form_wide

_PLAIN: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*")
_ENCODED: Final = [bytes((b,)) if b in _PLAIN else b"+" if b == 0x20 else b"%%%02x" % b for b in range(256)]


def url_decode(value: bytes) -> bytes:
    """`+` and `%xx`."""
    return decode_form(value)


def url_decode_uni(value: bytes) -> bytes:
    """`+`, `%xx` and `%uHHHH`."""
    return decode_form_wide(value)


def url_encode(value: bytes) -> bytes:
    """Everything but letters, digits and `*` as `%xx`; a space as `+`."""
    return b"".join([_ENCODED[b] for b in value])


def utf8_to_unicode(value: bytes) -> bytes:
    """UTF-8 sequences as `%uHHHH`."""
    return code_points(value)
