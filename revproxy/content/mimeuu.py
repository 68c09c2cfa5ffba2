"""uuencoded files in text: old mail programs show each block as an attachment, whatever MIME says of the text.

Invariants: linear in the text; a line that is no uuencoding is passed over, for decoders do so as well; a block ends
at its `end`, at the next `begin` or with the text. What does not belong here: the transfer encoding of that name,
which the readers of MIME decode.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable

from revproxy.errors import LimitError
from revproxy.model import ContentLimits

_BEGIN = re.compile(rb"^begin(-base64)? {1,8}[0-7]{3,5} {1,8}([^\r\n]{1,255})", re.MULTILINE)
_ENDS = frozenset({b"end", b"===="})


def uu_files(texts: Iterable[bytes], limits: ContentLimits) -> list[tuple[bytes, bytes]]:
    """(name, content) of each block in all of them, in order.

    LimitError("mime_parts") for more blocks than that, LimitError("mime_lines") when texts with blocks have more.
    """
    out: list[tuple[bytes, bytes]] = []
    lines = 0
    for text in texts:
        # Most texts have none: this is told at the speed of memory.
        if b"begin" not in text:
            continue
        unified = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        found = _BEGIN.search(unified)
        lines += unified.count(b"\n") if found is not None else 0
        if lines > limits.mime_lines:
            raise LimitError("mime_lines", limits.mime_lines)
        while found is not None:
            if len(out) >= limits.mime_parts:
                raise LimitError("mime_parts", limits.mime_parts)
            following = _BEGIN.search(unified, found.end())
            body = unified[found.end() + 1 : following.start() if following is not None else len(unified)]
            out.append((found[2].strip(b" \t"), _decoded(body.split(b"\n"), _base64_line if found[1] else _line)))
            found = following
    return out


def _decoded(lines: list[bytes], decode: Callable[[bytes], bytes]) -> bytes:
    out: list[bytes] = []
    for line in lines:
        if line.rstrip(b" \t") in _ENDS:
            break
        try:
            out.append(decode(line))
        except binascii.Error:
            continue
    return b"".join(out)


def _line(line: bytes) -> bytes:
    # The decoder takes a short line for one whose blanks were cut off, and any first byte for a length.
    if not 0x20 < (line[0] if line else 0) < 0x60:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders write more than the length says.
        size = ((line[0] - 32) * 4 + 5) // 3
        return binascii.a2b_uu(line[:size])


def _base64_line(line: bytes) -> bytes:
    return binascii.a2b_base64(line)
