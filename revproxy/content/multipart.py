"""The reader of multipart/form-data bodies (RFC 7578, RFC 2046 5.1): push, strict, in bounded memory.

Invariants: only what browsers and common clients send is taken, so that no server can find other parts in the body
than we did: CRLF only, nothing before the first delimiter or after the last, no padding after a delimiter, no line of
content that begins with the delimiter in any line ending, no nesting. Every refusal is a ContentError with one of the
words of `REASONS` here or in `content.parthead`. What others may read differently although they find the same parts
is a flaw; what they read is told besides, as derived. A file goes to the sink in windows, a field as one argument; at
most one window and one slice of input are held, however large the body.
"""

from __future__ import annotations

import re
from enum import IntEnum, auto
from typing import Final

from revproxy.content.encoded import as_declared
from revproxy.content.guess import may_have_structure, read_structure
from revproxy.content.media import MediaType
from revproxy.content.parthead import PartHead, canonical_filename, parse_part_head
from revproxy.content.sink import Sink
from revproxy.content.urlencoded import CHARSET_FIELD, other_charsets
from revproxy.content.windows import Windows
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

REASONS: Final = frozenset(
    {"boundary", "multipart_preamble", "multipart_delimiter", "multipart_epilogue", "multipart_unfinished"}
)
# RFC 2046 bchars without the space, which some readers cut from the end and some do not.
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,./:=?-]{1,70}")
_SLICE: Final = 64 * 1024
_EAGER_BYTES: Final = 16 * 1024
"""So much of JSON and XML in fields is read while the form comes, which is done on the loop."""
_COMMAS: Final = 4
"""Commas in such fields allowed for each argument that is."""


class _State(IntEnum):
    START = auto()
    AFTER_DELIMITER = auto()
    HEAD = auto()
    CONTENT = auto()
    END = auto()


class MultipartReader:
    """Fields and files of a form."""

    def __init__(self, media: MediaType, limits: ContentLimits, sink: Sink) -> None:
        """Raises ContentError("boundary") unless `media` names one boundary of 1 to 70 characters."""
        boundary = media.parameters.get(b"boundary", b"")
        if media.escaped or not _BOUNDARY.fullmatch(boundary):
            raise ContentError("boundary")
        self._first = b"--" + boundary
        self._after_lf = b"\n--" + boundary
        self._after_cr = b"\r--" + boundary
        self._limits = limits
        self._sink = sink
        self._state = _State.START
        self._held = bytearray()
        self._looked = 0
        self._parts = 0
        self._part: _FieldPart | _FilePart | None = None
        self._form = _Form(limits, sink)

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises ContentError and LimitError."""
        view = memoryview(data)
        for at in range(0, len(data), _SLICE):
            self._held += view[at : at + _SLICE]
            try:
                while _STEPS[self._state](self):
                    pass
            except ContentError:
                self._held += view[at + _SLICE :]
                raise

    def finish(self) -> None:
        """Raises ContentError when the body ends before its closing delimiter."""
        if self._state is _State.END:
            if bytes(self._held) not in (b"", b"\r\n"):
                raise ContentError("multipart_epilogue")
            self._form.finish()
        elif self._state is not _State.START or self._held:
            raise ContentError("multipart_unfinished")

    def unread(self) -> bytes:
        """The field that was not told, then all from the place that broke the form. A file's windows are finished."""
        part, self._part = self._part, None
        rest = bytes(self._held)
        self._held.clear()
        return (part.unread() if part is not None else b"") + rest

    # Each step returns whether there may be more to do with the bytes at hand.

    def _start(self) -> bool:
        if len(self._held) < len(self._first):
            if not self._first.startswith(self._held):
                raise ContentError("multipart_preamble")
            return False
        if not self._held.startswith(self._first):
            raise ContentError("multipart_preamble")
        del self._held[: len(self._first)]
        self._state = _State.AFTER_DELIMITER
        return True

    def _after_delimiter(self) -> bool:
        if len(self._held) < 2:
            return False
        match bytes(self._held[:2]):
            case b"\r\n":
                self._state = _State.HEAD
                self._looked = 0
            case b"--":
                self._state = _State.END
            case _:
                raise ContentError("multipart_delimiter")
        del self._held[:2]
        return True

    def _head(self) -> bool:
        if self._held.startswith(b"\r\n"):
            raise ContentError("multipart_header")
        end = self._held.find(b"\r\n\r\n", self._looked)
        if (end if end >= 0 else len(self._held) - 3) > self._limits.part_head_bytes:
            raise LimitError("part_head_bytes", self._limits.part_head_bytes)
        if end < 0:
            self._looked = max(0, len(self._held) - 3)
            return False
        head = parse_part_head(bytes(self._held[:end]))
        self._open_part(head)
        # The last CRLF of the head stays: a delimiter right behind it is found, and refused, as any other.
        del self._held[: end + 2]
        self._looked = 2
        self._state = _State.CONTENT
        return True

    def _open_part(self, head: PartHead) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise LimitError("parts", self._limits.parts)
        self._sink.part(head.field, head.written)
        for line in head.lines:
            self._sink.part_header(head.field, line)
        for reason in head.flaws:
            self._sink.flaw(reason)
        if head.filename is None:
            self._part = _FieldPart(head, self._form)
            return
        self._sink.file(head.field, head.filename, head.content_type)
        for other in head.others:
            self._sink.part(head.field, other)
            self._sink.file(head.field, canonical_filename(other), head.content_type)
        # A file without a name is a field for some servers and a file for others.
        field = _FieldPart(head, self._form) if not head.filename else None
        self._part = _FilePart(head, Windows(head.filename, self._limits, self._sink), field, self._sink)

    def _content(self) -> bool:
        # `_looked` bytes at the start of what is held are of the head and no content.
        held, part = self._held, self._part
        assert part is not None, "content without a part"
        found = held.find(self._after_lf)
        if held.find(self._after_cr, 0, found if found >= 0 else len(held)) >= 0:
            raise ContentError("multipart_delimiter")
        if found < 0:
            keep = len(self._after_lf)
            if len(held) > keep + self._looked:
                part.feed(bytes(held[self._looked : len(held) - keep]))
                del held[: len(held) - keep]
                self._looked = 0
            return False
        if found - 1 < self._looked or held[found - 1] != 0x0D:
            raise ContentError("multipart_delimiter")
        part.feed(bytes(held[self._looked : found - 1]))
        part.finish()
        self._part = None
        del held[: found + len(self._after_lf)]
        self._state = _State.AFTER_DELIMITER
        return True

    def _end(self) -> bool:
        if len(self._held) > 2:
            raise ContentError("multipart_epilogue")
        return False


_STEPS: Final = {
    _State.START: MultipartReader._start,
    _State.AFTER_DELIMITER: MultipartReader._after_delimiter,
    _State.HEAD: MultipartReader._head,
    _State.CONTENT: MultipartReader._content,
    _State.END: MultipartReader._end,
}


class _FilePart:
    """Content of a file: windows, and a field as well where the file has no name."""

    __slots__ = ("_field", "_head", "_sink", "_size", "_windows")

    def __init__(self, head: PartHead, windows: Windows, field: _FieldPart | None, sink: Sink) -> None:
        self._head = head
        self._windows = windows
        self._field = field
        self._sink = sink
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        self._windows.feed(data)
        if self._field is not None:
            self._field.feed(data)

    def finish(self) -> None:
        self._end()
        if self._field is not None:
            self._field.finish()

    def unread(self) -> bytes:
        self._end()
        return b"" if self._field is None else self._field.unread()

    def _end(self) -> None:
        self._windows.finish()
        if self._head.written:
            self._sink.file_size(self._head.field, self._size)


class _FieldPart:
    """Content of a field, collected up to `argument_bytes`."""

    __slots__ = ("_form", "_head", "_value")

    def __init__(self, head: PartHead, form: _Form) -> None:
        self._head = head
        self._form = form
        self._value = bytearray()

    def feed(self, data: bytes) -> None:
        self._form.take(len(data))
        self._value += data
        self._form.check(len(self._value))

    def finish(self) -> None:
        self._form.add(self._head, bytes(self._value))

    def unread(self) -> bytes:
        return bytes(self._value)


class _Form:
    """The fields of the whole body: their total length, and the values of names that repeat."""

    __slots__ = ("_charsets", "_commas", "_eager", "_later", "_limits", "_sink", "_total", "_values")

    def __init__(self, limits: ContentLimits, sink: Sink) -> None:
        self._limits = limits
        self._sink = sink
        self._total = 0
        self._commas = 0
        self._eager = _EAGER_BYTES
        self._later: list[bytes] = []
        self._charsets: tuple[bytes, ...] = ()
        self._values: dict[bytes, list[bytes]] = {}

    def take(self, length: int) -> None:
        self._total += length
        if self._total > self._limits.structured_bytes:
            raise LimitError("structured_bytes", self._limits.structured_bytes)

    def check(self, length: int) -> None:
        if length > self._limits.argument_bytes:
            raise LimitError("argument_bytes", self._limits.argument_bytes)

    def add(self, head: PartHead, value: bytes) -> None:
        # What has a file name, if only of dots, is a file for most.
        (self._sink.derived if head.written else self._sink.argument)(head.field, value)
        if head.field == CHARSET_FIELD:
            self._charsets = other_charsets((*self._charsets, value), self._sink)
        if not self._sink.derives:
            return
        if head.flaws:
            self._otherwise(head, value)
        self._values.setdefault(head.field, []).append(value)
        if value and may_have_structure(value):
            self._structure(value)

    def _otherwise(self, head: PartHead, value: bytes) -> None:
        """What readers find who take the part's head in another way."""
        for name in head.others if head.filename is None else ():
            self._sink.derived(name, value)
        for text in as_declared(value, head.coding, head.charsets):
            self._sink.derived(head.field, text)

    def _structure(self, value: bytes) -> None:
        """Texts of structure are read at once while they are short, and at the end of the form otherwise."""
        self._commas += value.count(b",")
        if self._commas > _COMMAS * self._limits.arguments:
            raise LimitError("arguments", self._limits.arguments)
        self._eager -= len(value)
        if self._eager < 0:
            self._later.append(value)
        else:
            read_structure(value, self._limits, self._sink)

    def finish(self) -> None:
        """As for urlencoded forms: repeated names once more, joined as some servers join them."""
        for value in self._later:
            read_structure(value, self._limits, self._sink)
        for name, several in self._values.items():
            if len(several) > 1 and any(several):
                self._sink.derived(name, b",".join(several))
            for value in several if self._charsets else ():
                for text in as_declared(value, b"", self._charsets):
                    self._sink.derived(name, text)
