"""The reader of urlencoded bodies (WHATWG URL, 5.1): held whole, taken apart at the end."""

from __future__ import annotations

from collections.abc import Iterable

from revproxy.content.arguments import joined, parse_query
from revproxy.content.guess import read_structure
from revproxy.content.media import plain_charset
from revproxy.content.whole import Whole
from revproxy.errors import ContentError

CHARSET_FIELD = b"_charset_"
"""A form field that some servers take for the charset of all others (HTML, 4.10.21.7)."""


class UrlencodedReader(Whole):
    """Arguments of a form."""

    __slots__ = ()

    def read(self, data: bytes) -> None:
        """Raises LimitError, and ContentError("charset") for a `_charset_` that we do not read."""
        names, values = parse_query(data, self.limits)
        argument = self.sink.argument
        for name, value in zip(names, values, strict=True):
            argument(name, value)
        if self.sink.derives:
            for name, value in joined(names, values):
                self.sink.derived(name, value)
            # Some clients send JSON and declare nothing, and their libraries declare a form.
            read_structure(data, self.limits, self.sink)
        if CHARSET_FIELD in names:
            check_charsets(v for n, v in zip(names, values, strict=True) if n == CHARSET_FIELD)


def check_charsets(values: Iterable[bytes]) -> None:
    """Refuse a form that tells its server to read it in another charset than we did."""
    for value in values:
        if value and not all(map(plain_charset, value.split(b","))):
            raise ContentError("charset")
