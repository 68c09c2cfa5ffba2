"""The reader of urlencoded bodies (WHATWG URL, 5.1): held whole, taken apart at the end."""

from __future__ import annotations

from collections.abc import Iterable

from revproxy.content.arguments import joined, parse_query
from revproxy.content.encoded import as_declared
from revproxy.content.guess import read_structure
from revproxy.content.media import plain_charset
from revproxy.content.sink import Sink
from revproxy.content.whole import Whole
from revproxy.errors import ContentError

CHARSET_FIELD = b"_charset_"
"""A form field that some servers take for the charset of all others (HTML, 4.10.21.7)."""
_CHARSETS = 2


class UrlencodedReader(Whole):
    """Arguments of a form."""

    __slots__ = ()

    def read(self, data: bytes) -> None:
        """Raises LimitError, and ContentError("charset") for `_charset_` fields that name several."""
        names, values = parse_query(data, self.limits)
        self.sink.form(names, values)
        if self.sink.derives:
            for name, value in joined(names, values):
                self.sink.derived(name, value)
            # Some clients send JSON and declare nothing, and their libraries declare a form.
            read_structure(data, self.limits, self.sink)
        if CHARSET_FIELD in names:
            self._read_otherwise(names, values)

    def _read_otherwise(self, names: list[bytes], values: list[bytes]) -> None:
        told = [value for name, value in zip(names, values, strict=True) if name == CHARSET_FIELD]
        charsets = other_charsets(told, self.sink)
        if not charsets or not self.sink.derives:
            return
        for name, value in zip(names, values, strict=True):
            for text in as_declared(value, b"", charsets):
                self.sink.derived(name, text)


def other_charsets(told: Iterable[bytes], sink: Sink) -> tuple[bytes, ...]:
    """Charsets in which a form tells its server to read it and in which we do not; that is a flaw, which is told.

    Raises ContentError("charset") for more than two.
    """
    named = dict.fromkeys(name for value in told for name in value.lower().split(b",") if name)
    others = tuple(name for name in named if not plain_charset(name))
    if len(others) > _CHARSETS:
        raise ContentError("charset")
    if others:
        sink.flaw("charset")
    return others
