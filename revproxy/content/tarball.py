"""tar archives (POSIX.1 ustar, GNU long names, pax paths), read as far as they are sound.

Invariants: one pass, no seeking; a header that is no header flags `malformed` and ends the reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from revproxy.content.deflated import Inflation

_BLOCK = 512
_OCTAL = re.compile(rb"[ \0]*([0-7]{1,11})[ \0]*")
_PAX_PATH = re.compile(rb"(?:\A|\n)[0-9]{1,9} path=([^\n]*)")
_LONG_NAME, _PAX = b"L", b"x"
_FILES = frozenset({b"0", b"\0", b"7"})


def read_tar(data: bytes, inflation: Inflation) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of each member; links and directories have no content. Never raises."""
    at, override = 0, b""
    while at + _BLOCK <= len(data):
        head = data[at : at + _BLOCK]
        if not head.strip(b"\0"):
            return
        size = _size(head[124:136])
        if size is None or at + _BLOCK + size > len(data):
            inflation.flags.add(b"malformed")
            return
        start, kind = at + _BLOCK, head[156:157]
        at = start + (size + _BLOCK - 1) // _BLOCK * _BLOCK
        if kind == _LONG_NAME:
            override = data[start : start + min(size, 4096)].rstrip(b"\0")
        elif kind == _PAX:
            found = _PAX_PATH.search(data[start : start + min(size, 65536)])
            override = found[1] if found is not None else override
        else:
            content = inflation.stored(data[start : start + size]) if kind in _FILES else b""
            yield override or _name(head), content
            override = b""


def _name(head: bytes) -> bytes:
    name = head[:100].partition(b"\0")[0]
    prefix = head[345:500].partition(b"\0")[0] if head[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _size(text: bytes) -> int | None:
    if text[:1] == b"\x80":
        return int.from_bytes(text[1:], "big")
    found = _OCTAL.fullmatch(text)
    return int(found[1], 8) if found is not None else None
