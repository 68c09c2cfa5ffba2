"""Large values that are hard to inspect: marks, bytes and encodings without end. Each begins with a word of its own.

`VALUES` makes the decoded value; `request` puts it into a form.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote_from_bytes

from bench.growth import FORM, posted
from bench.loads import Maker

SIZES = (4_000, 10_000, 100_000)
"""Bytes of a value, decoded. The first is inspected on the loop, escaped to three times as many bytes as it may be;
the others beside it, but for those that need no escapes."""
_MARKS = (
    b"';|&`$(){}<>\"\\*?!#~^=+-/%@[]:, \n",
    b"' or 1=1-- union select /* */ \"",
    b"<script>alert(1)</script> onerror= javascript:",
    b"$(id) `cat /etc/passwd`; | sh && ${IFS} ",
)


def _repeated(what: bytes) -> Callable[[Maker, int], bytes]:
    return lambda _make, size: (what * (size // len(what) + 1))[:size]


def _shuffled(what: bytes) -> Callable[[Maker, int], bytes]:
    """Bytes of `what`, in any order."""
    table = bytes(what[at % len(what)] for at in range(256))
    return lambda make, size: make.octets(size).translate(table)


def _pieces(make: Maker, size: int) -> bytes:
    """Words of attacks, in any order."""
    words = [word for text in _MARKS for word in text.split(b" ")]
    return b" ".join(words[make.number(len(words))] for _ in range(size // 4))[:size]


def _encoded(make: Maker, size: int) -> bytes:
    """base64 of base64."""
    return base64.b64encode(base64.b64encode(make.octets(size * 9 // 16)))[:size]


VALUES: dict[str, Callable[[Maker, int], bytes]] = {
    "bytes": lambda make, size: make.octets(size),
    "marks": _shuffled(_MARKS[0]),
    "attacks": _pieces,
    "SQL": _repeated(_MARKS[1]),
    "HTML": _repeated(_MARKS[2]),
    "shell": _repeated(_MARKS[3]),
    "((((": _repeated(b"("),
    "'\"'": _repeated(b"'\"'"),
    "../../": _repeated(b"../../"),
    "%25%32%35": _repeated(b"%25%32%35"),
    "&#x26;": _repeated(b"&#x26;"),
    "base64": _encoded,
}
"""By the name in the table: a value of so many bytes."""


def request(name: str, make: Maker, size: int) -> bytes:
    """A form with one such value in it."""
    value = make.fresh().encode() + b" " + VALUES[name](make, size)
    return posted(FORM, b"id=%d&text=" % make.number() + quote_from_bytes(value, safe="").encode())
