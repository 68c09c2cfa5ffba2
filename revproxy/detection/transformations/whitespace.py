"""Transformations for white space and NUL. White space is the six of C.

`remove_whitespace` also takes the no-break space, in Latin-1 (0xa0) and in UTF-8 (0xc2 0xa0), byte by byte.
"""

from __future__ import annotations

import re
from typing import Final

_SPACES: Final = b" \t\n\r\v\f"
_ALL: Final = _SPACES + b"\xa0\xc2"
_RUN: Final = re.compile(rb"[ \t\n\r\v\f]+")


def compress_whitespace(value: bytes) -> bytes:
    """Each run of white space as one space."""
    return _RUN.sub(b" ", value)


def remove_whitespace(value: bytes) -> bytes:
    """Without white space and the bytes of a no-break space."""
    return value.translate(None, _ALL)


def remove_nulls(value: bytes) -> bytes:
    """Without NUL bytes."""
    return value.replace(b"\0", b"")


def replace_nulls(value: bytes) -> bytes:
    """A space for each NUL byte."""
    return value.replace(b"\0", b" ")


def trim(value: bytes) -> bytes:
    """Without white space at both ends."""
    return value.strip(_SPACES)


def trim_left(value: bytes) -> bytes:
    """Without white space at the beginning."""
    return value.lstrip(_SPACES)


def trim_right(value: bytes) -> bytes:
    """Without white space at the end."""
    return value.rstrip(_SPACES)
