"""Encoded words of mail headers (RFC 2047) to UTF-8, leniently and in linear time.

Mail programs decode more than the RFC allows (inside quoted strings, inside parameters), so we do too. What is no
encoded word stays as it is; a charset that we do not know is read as UTF-8 or Latin-1.
"""

from __future__ import annotations

import binascii
import re

from revproxy.codecs.charset import decode_text

_WORD = re.compile(rb"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\r\n]*)\?=")
_BETWEEN = re.compile(rb"(\?=)[ \t\r\n]+(?==\?)")
_BASE64_JUNK = re.compile(rb"[^A-Za-z0-9+/]+")


def has_words(value: bytes) -> bool:
    """Whether there is an encoded word in the value."""
    return b"=?" in value and _WORD.search(value) is not None


def decode_words(value: bytes) -> bytes:
    """The value with each encoded word replaced by its text in UTF-8, and blanks between two of them dropped."""
    if b"=?" not in value:
        return value
    return _WORD.sub(_text, _BETWEEN.sub(rb"\1", value))


def _text(found: re.Match[bytes]) -> bytes:
    charset, encoding, coded = found.groups()
    if encoding in b"bB":
        data = _base64(coded)
    else:
        data = binascii.a2b_qp(coded, header=True)
    # RFC 2231, 5: a language may follow the charset.
    return decode_text(data, charset.partition(b"*")[0]).encode("utf-8", "replace")


def _base64(coded: bytes) -> bytes:
    text = _BASE64_JUNK.sub(b"", coded)
    if len(text) % 4 == 1:
        text = text[:-1]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
