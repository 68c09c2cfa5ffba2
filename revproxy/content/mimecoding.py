"""Content-Transfer-Encoding as mail programs take it: which decodings a part's fields may ask for, and decoding.

Invariants: white space and folds around the word mean nothing; every word that any of the fields holds is a decoding
that some program may choose, and where a field is not exactly one word, so is none at all. Only stdlib decoders,
linear in the content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message as StdMessage

PLAIN = b"7bit"
"""Nothing to decode."""
_KNOWN = {
    b"base64": b"base64",
    b"quoted-printable": b"quoted-printable",
    b"x-uuencode": b"x-uuencode",
    b"uuencode": b"x-uuencode",
    b"uue": b"x-uuencode",
    b"x-uue": b"x-uuencode",
    b"7bit": PLAIN,
    b"8bit": PLAIN,
    b"binary": PLAIN,
}
_WORD = re.compile(rb"[a-z0-9-]+")


def codings(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """Encodings that fields with these values may mean, the likeliest first; never empty."""
    table: dict[bytes, None] = {}
    for value in values:
        for word in _WORD.findall(value.lower()):
            if word in _KNOWN:
                table[_KNOWN[word]] = None
        if value.lower() not in _KNOWN:
            table[PLAIN] = None
    return tuple(table) or (PLAIN,)


def decode(content: bytes, coding: bytes) -> bytes:
    """The content decoded by one of `codings`, as far as it can be. Never raises."""
    if coding == PLAIN:
        return content
    message = StdMessage()
    message["Content-Transfer-Encoding"] = coding.decode("ascii")
    message.set_payload(content.decode("ascii", "surrogateescape"))
    decoded = message.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""
