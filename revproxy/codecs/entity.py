"""HTML character references as rules mean them: numbers, and the five names that attacks are written with.

Pure, linear, never fails: what is no reference stays as it is. Decoding to one byte (the low one) is on purpose:
rules are written for bytes. A browser's full table of names does not belong here.
"""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.marks import AMPERSAND

_REFERENCE: Final = re.compile(rb"&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|((?i:quot|amp|lt|gt|nbsp))[0-9A-Za-z]*;?)")
_NAMES: Final = {b"quot": b'"', b"amp": b"&", b"lt": b"<", b"gt": b">", b"nbsp": b"\xa0"}
_LARGEST: Final = 2**63 - 1
"""Where the reference engine's number type ends: anything above counts as this."""


def decode_entities(value: bytes) -> bytes:
    """Replace `&#60;`, `&#x3c;`, `&lt;` and their like by one byte each.

    The `;` may be missing. Letters and digits that follow one of the names go with it (`&ltfoo;` is `<`).
    """
    return _REFERENCE.sub(_decoded, value) if AMPERSAND in value else value


def _decoded(match: re.Match[bytes]) -> bytes:
    hexadecimal, decimal, name = match.groups()
    if name is not None:
        return _NAMES[name.lower()]
    if decimal is not None:
        digits, base = decimal.lstrip(b"0"), 10
    else:
        digits, base = hexadecimal.lstrip(b"0"), 16
    # Twenty digits are over the largest number in either base: never convert a megabyte of them.
    number = int(digits[:20] or b"0", base)
    return bytes((min(number, _LARGEST) & 0xFF,))
