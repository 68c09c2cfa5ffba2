"""Character sets: what of a value is valid UTF-8, its code points as `%uHHHH`, and text in a named charset.

Pure and linear. Only charsets of the table are ever looked up, so that no name from the wire reaches Python's codec
registry (some codecs there are quadratic, and some are not charsets at all).
"""

from __future__ import annotations

import re

from revproxy.codecs.marks import NUL

_SEQUENCE = re.compile(
    rb"(?P<text>(?:[\xc2-\xdf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2})+)|"
    rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}|[\xc0-\xf7]|\x00(?!\Z)"
)

_CODEC_NAMES = """
ascii utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-7
iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10
iso8859-13 iso8859-14 iso8859-15 iso8859-16
cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp866 cp874
koi8-r koi8-u mac-roman tis-620 gb2312 gbk gb18030 big5 euc-jp euc-kr shift-jis iso2022-jp iso2022-kr
cp932 cp949 hz
"""
_CODECS = tuple(_CODEC_NAMES.split())
_ALIASES = {
    "usascii": "ascii",
    "latin1": "iso8859-1",
    "l1": "iso8859-1",
    "unicode11utf7": "utf-7",
    "ksc56011987": "euc-kr",
    "sjis": "shift-jis",
    "xsjis": "shift-jis",
    "xgbk": "gbk",
    "cp936": "gbk",
}


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _table() -> dict[str, str]:
    table = {_plain(codec): codec for codec in _CODECS}
    for codec in _CODECS:
        for lead, written in (("iso8859", "iso8859"), ("iso2022", "iso2022"), ("cp", "windows"), ("cp", "xcp")):
            if codec.startswith(lead):
                table[written + _plain(codec)[len(lead) :]] = codec
    return table | _ALIASES


_NAMES = _table()
CHARSETS = frozenset(_CODECS)
"""The codecs that a name can lead to."""


def codec_of(charset: bytes) -> str | None:
    """The codec for a charset name as it stands in a header, or None where we know none."""
    if len(charset) > 40 or not charset.isascii():
        return None
    return _NAMES.get(_plain(charset.decode("ascii")))


def decode_text(data: bytes, charset: bytes) -> str:
    """Text of `data`; what is invalid becomes U+FFFD. An unknown charset is read as UTF-8, then as Latin-1."""
    codec = codec_of(charset)
    if codec is not None:
        return data.decode(codec, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def is_utf8(value: bytes) -> bool:
    """Whether all of the value is UTF-8 by RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF."""
    if value.isascii():
        return True
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def code_points(value: bytes) -> bytes:
    """Each sequence of two to four bytes as `%uHHHH` (five or six digits where needed).

    As the reference engine does it: NUL, but for one at the very end, and the first byte of a broken sequence vanish;
    overlong forms and surrogates are written with their first byte after them, sequences from 0xf5 on with theirs
    before.
    """
    if value.isascii() and NUL not in value:
        return value
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return _SEQUENCE.sub(_code_point, value)
    last = b"\0" if text.endswith("\0") else b""
    return _escaped(text.replace("\0", "")) + last


_MARKS = ((b"\\x", b"%u00"), (b"\\u", b"%u"), (b"\\U000", b"%u"), (b"\\U00", b"%u"), (b"\0", b"\\"))
"""In this order: what `backslashreplace` writes for two, four, eight digits; then backslashes that were there."""


def _escaped(text: str) -> bytes:
    """Text without a NUL. Python's own escapes of what is not ASCII differ from these in their marks alone."""
    points = text.replace("\\", "\0").encode("ascii", "backslashreplace")
    for mark, ours in _MARKS:
        if mark in points:
            points = points.replace(mark, ours)
    return points


_SMALLEST = (0, 0, 0x80, 0x800, 0x10000)
"""By length: a smaller code point has no business in a sequence of so many bytes."""


def _code_point(match: re.Match[bytes]) -> bytes:
    sequence = match[0]
    if match.lastgroup is not None:
        return _escaped(sequence.decode("utf-8"))
    size, lead = len(sequence), sequence[:1]
    before = lead if lead >= b"\xf5" else b""
    if size == 1:
        return before
    point = sequence[0] & (0x7F >> size)
    for byte in sequence[1:]:
        point = point << 6 | byte & 0x3F
    after = lead if point < _SMALLEST[size] or 0xD800 <= point <= 0xDFFF else b""
    return b"%b%%u%04x%b" % (before, point, after)
