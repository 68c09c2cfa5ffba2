"""Transformations to and from digests, hexadecimal and base64, and the length."""

from __future__ import annotations

import hashlib
import re

from revproxy.codecs import base64

_SQL_HEX = re.compile(rb"0[xX]((?:[0-9a-fA-F]{2})+)")


def _digit(byte: int) -> int:
    """What the reference engine takes any byte for, hexadecimal digit or not."""
    return (byte & 0xDF) - 0x41 + 10 if byte >= 0x41 else byte - 0x30


_HIGH = bytes(_digit(b) << 4 & 0xFF for b in range(256))
_LOW = bytes(_digit(b) & 0xFF for b in range(256))


def md5(value: bytes) -> bytes:
    """The sixteen bytes of the MD5 digest."""
    return hashlib.md5(value, usedforsecurity=False).digest()


def sha1(value: bytes) -> bytes:
    """The twenty bytes of the SHA-1 digest."""
    return hashlib.sha1(value, usedforsecurity=False).digest()


def hex_encode(value: bytes) -> bytes:
    """Two lower case hexadecimal digits a byte."""
    return value.hex().encode("ascii")


def hex_decode(value: bytes) -> bytes:
    """A byte for each pair, whether its two are digits or not; the last of an odd number is dropped."""
    even = len(value) & ~1
    high = value[0:even:2].translate(_HIGH)
    low = value[1:even:2].translate(_LOW)
    return bytes([(a + b) & 0xFF for a, b in zip(high, low, strict=True)])


def sql_hex_decode(value: bytes) -> bytes:
    """`0x414243` as `ABC`, wherever it stands."""
    if b"0x" not in value and b"0X" not in value:
        return value
    return _SQL_HEX.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), value)


def base64_encode(value: bytes) -> bytes:
    """Standard base64."""
    return base64.encode(value)


def base64_decode(value: bytes) -> bytes:
    """Valid base64 decoded; anything else as it was."""
    return base64.decode_strict(value)


def base64_decode_ext(value: bytes) -> bytes:
    """Base64 decoded, leaving out what is not of its alphabet."""
    return base64.decode_forgiving(value)


def unwrap_base64(value: bytes) -> bytes:
    """The texts that stand in it in base64; without any, as it was."""
    return base64.unwrap(value)


def unwrap_more(value: bytes) -> bytes:
    """The texts in base64 inside texts that were unwrapped; without any, as it was."""
    return base64.unwrap_more(value)


def length(value: bytes) -> bytes:
    """The number of bytes, decimal."""
    return b"%d" % len(value)
