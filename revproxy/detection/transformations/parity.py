"""Transformations of the eighth bit of each byte, as old serial lines had it: a parity, or nothing.

The reference engine counts all eight bits before it sets or clears the eighth, so a byte whose eighth bit was set may
come out with the wrong parity; rules are tried against it, so here too.
"""

from __future__ import annotations


def _even(byte: int) -> int:
    return byte | 0x80 if byte.bit_count() % 2 else byte & 0x7F


def _odd(byte: int) -> int:
    return byte & 0x7F if byte.bit_count() % 2 else byte | 0x80


EVEN = bytes(map(_even, range(256)))
"""What each byte becomes."""
ODD = bytes(map(_odd, range(256)))
ZERO = bytes(byte & 0x7F for byte in range(256))


def parity_even(value: bytes) -> bytes:
    """The eighth bit makes the number of ones even."""
    return value.translate(EVEN)


def parity_odd(value: bytes) -> bytes:
    """The eighth bit makes the number of ones odd."""
    return value.translate(ODD)


def parity_zero(value: bytes) -> bytes:
    """The eighth bit is nought."""
    return value.translate(ZERO)
