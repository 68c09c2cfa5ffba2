"""Bytes that mean something, as numbers.

`PERCENT in value` is ten times as fast as `b"%" in value`: Python takes what is looked for in bytes for a number
first, and makes an exception of it where it is none.
"""

from __future__ import annotations

from typing import Final

NUL: Final = 0x00
NEWLINE: Final = 0x0A
SPACE: Final = 0x20
QUOTE: Final = 0x22
PERCENT: Final = 0x25
AMPERSAND: Final = 0x26
APOSTROPHE: Final = 0x27
PLUS: Final = 0x2B
DOT: Final = 0x2E
SLASH: Final = 0x2F
LESS: Final = 0x3C
EQUALS: Final = 0x3D
GREATER: Final = 0x3E
QUESTION: Final = 0x3F
BACKSLASH: Final = 0x5C
