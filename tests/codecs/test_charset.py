from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.charset import CHARSETS, code_points, codec_of, decode_text, is_utf8


@given(st.binary(max_size=40))
def test_every_charset_reads_anything(value: bytes) -> None:
    for charset in CHARSETS:
        decode_text(value, charset.encode())
    assert is_utf8(value) == ("�" not in value.decode("utf-8", "replace") or "�" in value.decode("utf-8", "ignore"))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        (b"UTF-8", "utf-8"),
        (b"ISO-8859-1", "iso8859-1"),
        (b"iso_8859-15", "iso8859-15"),
        (b"windows-1252", "cp1252"),
        (b"Shift_JIS", "shift-jis"),
        (b"ISO-2022-JP", "iso2022-jp"),
        (b"idna", None),
        (b"punycode", None),
        (b"rot13", None),
        (b"x" * 100, None),
        (b"\xff", None),
    ],
)
def test_names(name: bytes, codec: str | None) -> None:
    assert codec_of(name) == codec


def test_unknown_charsets_are_read_as_utf8_then_latin1() -> None:
    assert decode_text("é".encode(), b"nope") == "é"
    assert decode_text(b"\xe9", b"nope") == "é"


@given(st.text(max_size=20) | st.text("\\uUx0e9%é中\ud7ff\ue000\uffff😀\U0010ffff", max_size=20))
def test_code_points(text: str) -> None:
    want = "".join(c if 0 < ord(c) < 0x80 else "" if c == "\0" else f"%u{ord(c):04x}" for c in text)
    assert code_points(text.encode("utf-8")) == (want + "\0" * text.endswith("\0")).encode()


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"\xc0\xaf", b"%u002f\xc0"),
        (b"\xed\xa0\x80", b"%ud800\xed"),
        (b"\xe2\x82z", b"\x82z"),
        (b"\xf5\x80\x80\x80", b"\xf5%u140000"),
        (b"\x80\xff", b"\x80\xff"),
        (b"\\u00e9\xc3\xa9\xff\\x", b"\\u00e9%u00e9\xff\\x"),
        (b"\xc3\0\xa9\0", b"\xa9\0"),
    ],
)
def test_code_points_of_what_is_broken(value: bytes, want: bytes) -> None:
    assert code_points(value) == want


@given(st.lists(st.text("\\é中").map(str.encode) | st.binary(max_size=6).map(lambda data: data.replace(b"\0", b""))))
def test_what_is_broken_stays_by_itself(values: list[bytes]) -> None:
    assert code_points(b"|".join(values)) == b"|".join(map(code_points, values))
