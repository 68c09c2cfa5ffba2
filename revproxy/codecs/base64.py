"""Base64 as rules mean it: the strict reading, the forgiving one, what is wrapped in it, and encoding. Pure, linear,
never fails.

Mail's transfer encoding is `content.mime`'s matter, which counts what it leaves out.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from typing import Final

from revproxy.codecs.marks import EQUALS, NEWLINE, SLASH, SPACE

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_OTHERS: Final = bytes(set(range(256)) - set(_ALPHABET) - {0x3D})
_STRICT: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}\Z")
_DIGIT: Final = "[A-Za-z0-9+/_ -]"
_TWO: Final = "[ACDI-Za-f][AC-HQS-Xgi-nwyz0-3]"
_QUAD: Final = f"{_TWO}[ABEFIJMNQRUVYZcdghklopstwx014589]{_DIGIT}"
"""Digits that decode to bytes of which none is certain to be no text; the first two of such digits."""
WRAPPED: Final = f"{_QUAD}(?:{_DIGIT}{{4}})?(?:{_QUAD}|{_TWO}{_DIGIT}(?:$|[^A-Za-z0-9+_-]))"
"""What `unwrap` needs: of the quads of a text so few may be no text that two good ones stand side by side or with one
between, or the last one is cut short behind one."""
_LIKELY: Final = re.compile(WRAPPED.encode("ascii"))
_RUN: Final = re.compile(rb"[A-Za-z0-9+/_-]{12,}+|[A-Za-z0-9+/_-]{10,11}(?==)")
_SPACED: Final = re.compile(rb"[A-Za-z0-9+/ ]++={0,2}\Z")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_TEXT: Final = bytes([0, 9, 10, 13, *range(0x20, 0x7F)])
SHORTEST: Final = 10
"""Digits of the shortest text that is unwrapped."""
MARK: Final = b"\x1e"
"""What stands before each text that was unwrapped, once for each layer."""
_TEXT_SHARE: Final = 8
"""One byte in so many may be none of text, nor of text in two bytes each."""


def encode(value: bytes) -> bytes:
    """Standard alphabet, padded, no line ends."""
    return b2a_base64(value, newline=False)


def decode_strict(value: bytes) -> bytes:
    """Decode valid, padded base64; anything else comes back unchanged.

    Spaces may stand before a line end and at the very end. Decoding stops at the first NUL, as C's does.
    """
    if value.isalnum():
        return value if len(value) % 4 else a2b_base64(value)
    text = value.partition(b"\0")[0]
    if NEWLINE in text:
        text = b"".join([line.removesuffix(b"\r").rstrip(b" ") for line in text.split(b"\n")])
    else:
        text = text.rstrip(b" ")
    if len(text) % 4 or _STRICT.match(text) is None:
        return value
    return a2b_base64(text)


def decode_forgiving(value: bytes) -> bytes:
    """Decode, leaving out every byte that is not of the alphabet, and an odd digit at the end.

    Padding may stand anywhere but after a single digit of a group of four: such a value decodes to nothing.
    """
    text = value.translate(None, _OTHERS)
    if EQUALS in text:
        digits = 0
        groups = text.split(b"=")
        for group in groups[:-1]:
            digits += len(group)
            if digits % 4 == 1:
                return b""
        text = b"".join(groups)
    spare = len(text) % 4
    if spare == 1:
        return a2b_base64(text[:-1])
    return a2b_base64(text + b"=" * (-spare % 4))


def unwrap(value: bytes) -> bytes:
    """The texts that stand in the value in base64 of either alphabet, in order; without any, the value.

    Before each stands `MARK`, and once more for each layer that the value was unwrapped of before. What decodes to
    anything but text is left out. A blank stands for the plus sign that a form made it of.
    """
    if _LIKELY.search(value) is None:
        return value
    mark = MARK * (len(value) - len(value.lstrip(MARK)) + 1)
    return b"".join([mark + text for text in _wrapped(value)]) or value


def unwrap_more(value: bytes) -> bytes:
    """Another layer of what `unwrap` left; a value that it found nothing in is left alone."""
    return unwrap(value) if value.startswith(MARK) else value


def _wrapped(value: bytes) -> list[bytes]:
    if SPACE in value and _SPACED.match(value) and _RUN.search(value):
        whole = _text_of(value.replace(b" ", b"+"))
        if whole:
            return [whole]
    return [text for run in _RUN.finditer(value) if _LIKELY.search(run[0]) for text in _texts(run[0])]


def _texts(run: bytes) -> list[bytes]:
    """Of a run, or else of its parts, where its slashes are those of a path."""
    whole = _text_of(run)
    if whole or SLASH not in run:
        return [whole] if whole else []
    return [text for part in run.split(b"/") if len(part) >= SHORTEST and (text := _text_of(part))]


def _text_of(digits: bytes) -> bytes:
    """What they decode to, if that is text; an odd digit at the end is left out."""
    plain = digits.translate(_STANDARD).rstrip(b"=")
    plain = plain[:-1] if len(plain) % 4 == 1 else plain
    found = a2b_base64(plain + b"=" * (-len(plain) % 4))
    return found if len(found.translate(None, _TEXT)) * _TEXT_SHARE <= len(found) else b""
