"""What can be made of a body that broke its type, for rules that look at arguments, file names and heads only.

Programs that are less strict than we are may still read such a body. Invariants: nothing here raises for what a body
contains but for limits; everything is told besides the raw text, never instead of it; each pattern moves on by at
least a byte and never looks back.
"""

from __future__ import annotations

import json
import re

from revproxy.content.arguments import parse_query
from revproxy.content.body import Kind
from revproxy.content.guess import text_like
from revproxy.content.parthead import canonical_filename
from revproxy.content.sink import Sink
from revproxy.errors import LimitError
from revproxy.model import ContentLimits

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_BEGINS: dict[Kind, tuple[bytes, ...]] = {
    Kind.URLENCODED: (b"",),
    Kind.MULTIPART: (b"",),
    Kind.JSON: (b"{", b"[", b'"', b"'", b"/"),
    Kind.XML: (b"<",),
}
"""What a body must begin with. A kind that is not here has no arguments anywhere."""
_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*)"?', re.DOTALL)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FILENAME = re.compile(rb'filename\*?=[ \t]*(?:"([^"\r\n]*+)|([^;"\r\n]*+))', re.IGNORECASE)


def salvage(kind: Kind, data: bytes, limits: ContentLimits, sink: Sink) -> None:
    """Tell the body as one argument without a name, if it is text, and what else is to be found in it.

    A file that was declared as JSON or XML by mistake stays a file: nobody reads it as what it was declared.
    Raises LimitError for more arguments, or more files, than allowed.
    """
    begins = _BEGINS.get(kind)
    if begins is None or not data.removeprefix(_BOM).lstrip(_SPACE).startswith(begins):
        return
    if text_like(data):
        sink.argument(b"", data)
    match kind:
        case Kind.URLENCODED:
            for name, value in zip(*parse_query(data, limits), strict=True):
                sink.argument(name, value)
        case Kind.JSON:
            _strings(data, limits, sink)
        case Kind.MULTIPART:
            _heads(data, limits, sink)
            _files(data, limits, sink)
        case _:
            pass


def _strings(data: bytes, limits: ContentLimits, sink: Sink) -> None:
    """Keys and values alike, under the name that all names of JSON begin with."""
    for count, found in enumerate(_STRING.finditer(data), 1):
        if count > 2 * limits.arguments:
            raise LimitError("arguments", limits.arguments)
        sink.argument(b"json", _unescaped(found[1]) if b"\\" in found[1] else found[1])


def _unescaped(text: bytes) -> bytes:
    try:
        value: str = json.loads(b'"%b"' % text, strict=False)
    except ValueError:
        return text
    return value.encode("utf-8", "surrogatepass")


def _heads(data: bytes, limits: ContentLimits, sink: Sink) -> None:
    """Lines of heads of parts: what follows a line of `--`, and the beginning if it looks like one."""
    data = b"\n" + data
    start, parts = 1, 0
    while parts <= limits.parts:
        delimiter = data.find(b"\n--", start - 1)
        stop = len(data) if delimiter < 0 else delimiter
        head = _HEAD_END.split(data[start : min(stop, start + limits.part_head_bytes)], 1)[0]
        if parts or b"content-disposition" in head.lower():
            for line in head.splitlines():
                sink.part_header(b"", line)
        end = data.find(b"\n", stop + 1)
        if delimiter < 0 or end < 0:
            return
        start, parts = end + 1, parts + 1
    raise LimitError("parts", limits.parts)


def _files(data: bytes, limits: ContentLimits, sink: Sink) -> None:
    for count, found in enumerate(_FILENAME.finditer(data), 1):
        if count > limits.parts:
            raise LimitError("parts", limits.parts)
        written = found[2] if found[1] is None else found[1]
        sink.part(b"", written)
        sink.file(b"", canonical_filename(written), b"")
