"""Bodies that no type describes, read as what they look like: JSON, XML or a form.

Invariants: a guess that fails says nothing, and nothing is ever told instead of the raw windows, only besides them,
as derived; a body is kept up to `structured_bytes`, no longer than it looks like text, and not at all where nobody
wants what is derived.
What does not belong here: which bodies are read so (`content.body`), and what judges windows (`proxy/http`).
"""

from __future__ import annotations

import re
from typing import Final

from revproxy.content.arguments import joined, parse_query
from revproxy.content.jsontext import read_leniently
from revproxy.content.sink import Aside, Sink
from revproxy.content.windows import Windows
from revproxy.content.xmltext import read_xml_leniently
from revproxy.errors import LimitError
from revproxy.model import ContentLimits

_BLOCK: Final = 4096
_CONTROLS: Final = bytes(n for n in range(32) if n not in b"\t\n\r") + b"\x7f"
_TEXT_SHARE: Final = 20
"""One control byte in so many is still text. Compressed and encrypted bytes have one in nine."""
_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_OPENING: Final = (b"{", b"[", b"<")
_PAIR: Final = re.compile(rb"[ \t\r\n]*[^\x00-\x20=&<>{}\"']{0,256}=")


def text_like(data: bytes) -> bool:
    """Whether the beginning or the end of this content is mostly printable; nothing is not."""
    return _printable(data[:_BLOCK]) or (len(data) > _BLOCK and _printable(data[-_BLOCK:]))


def _printable(block: bytes) -> bool:
    controls = len(block) - len(block.translate(None, _CONTROLS))
    return bool(block) and controls * _TEXT_SHARE <= len(block)


def read_structure(data: bytes, limits: ContentLimits, sink: Sink) -> bool:
    """Read a text as JSON or XML if it begins like one; whether it does. Raises LimitError only."""
    text = data.removeprefix(_BOM)
    start = text.lstrip(_SPACE)[:1]
    if start in (b"{", b"["):
        read_leniently(text, limits, Aside(sink))
        return True
    if start == b"<":
        read_xml_leniently(text, limits, Aside(sink))
        return True
    return False


def may_have_structure(data: bytes | bytearray) -> bool:
    """Whether a content that begins so may be JSON or XML; so may one of blanks only."""
    start = bytes(data[:256]).removeprefix(_BOM).lstrip(_SPACE)
    return not start or start[:1] in _OPENING


def read_as_it_looks(data: bytes, limits: ContentLimits, sink: Sink) -> None:
    """Read a text as JSON, as XML or as a form. Raises LimitError only, and for JSON and XML only."""
    if read_structure(data, limits, sink) or not _PAIR.match(data.removeprefix(_BOM)):
        return
    try:
        names, values = parse_query(data, limits)
    except LimitError:
        # A text of many ampersands need not be a form; its windows are looked at as they stand.
        return
    for name, value in (*zip(names, values, strict=True), *joined(names, values)):
        sink.derived(name, value)


class GuessingReader:
    """A body that is looked at in windows, and at its end read as what it looks like."""

    __slots__ = ("_kept", "_limits", "_sink", "_windows")

    def __init__(self, limits: ContentLimits, sink: Sink) -> None:
        self._windows = Windows(b"", limits, sink)
        self._limits = limits
        self._sink = sink
        self._kept: bytearray | None = bytearray() if sink.derives else None

    def feed(self, data: bytes) -> None:
        """Never raises."""
        self._windows.feed(data)
        if self._kept is not None:
            self._kept += data
            too_long = len(self._kept) > self._limits.structured_bytes
            if too_long or (len(self._kept) >= _BLOCK and not text_like(bytes(self._kept[:_BLOCK]))):
                self._kept = None

    def finish(self) -> None:
        """Raises LimitError only."""
        self._windows.finish()
        body, self._kept = bytes(self._kept or b""), None
        if text_like(body):
            read_as_it_looks(body, self._limits, self._sink)

    def unread(self) -> bytes:
        """Nothing: it holds nothing back."""
        return b""
