"""Base64 as rules mean it: the strict reading, the forgiving one, and encoding. Pure, linear, never fails.

Mail's transfer encoding is `content.mime`'s matter, which counts what it leaves out.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_OTHERS = bytes(set(range(256)) - set(_ALPHABET) - {0x3D})
_STRICT = re.compile(rb"[A-Za-z0-9+/]*={0,2}\Z")


def encode(value: bytes) -> bytes:
    """Standard alphabet, padded, no line ends."""
    return b2a_base64(value, newline=False)


def decode_strict(value: bytes) -> bytes:
    """Decode valid, padded base64; anything else comes back unchanged.

    Spaces may stand before a line end and at the very end. Decoding stops at the first NUL, as C's does.
    """
    if len(value) % 4 and value.isalnum():
        return value
    text = value.partition(b"\0")[0]
    if b"\n" in text:
        text = b"".join([line.removesuffix(b"\r").rstrip(b" ") for line in text.split(b"\n")])
    else:
        text = text.rstrip(b" ")
    if len(text) % 4 or _STRICT.match(text) is None:
        return value
    return a2b_base64(text)


def decode_forgiving(value: bytes) -> bytes:
    """Decode, leaving out every byte that is not of the alphabet, and an odd digit at the end.

    Padding may stand anywhere but after a single digit of a group of four: such a value decodes to nothing.
    """
    text = value.translate(None, _OTHERS)
    if b"=" in text:
        digits = 0
        groups = text.split(b"=")
        for group in groups[:-1]:
            digits += len(group)
            if digits % 4 == 1:
                return b""
        text = b"".join(groups)
    spare = len(text) % 4
    if spare == 1:
        return a2b_base64(text[:-1])
    return a2b_base64(text + b"=" * (-spare % 4))
