"""Values as those find them who undo what is declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.encoded import as_declared


@pytest.mark.parametrize(
    ("value", "coding", "charsets", "found"),
    [
        (b"a", b"", (), []),
        (b"PHNjcmlwdD4=", b"base64", (), [b"<script>"]),
        (b"=3Cscript=3E", b"quoted-printable", (), [b"<script>"]),
        (b"+ADw-script+AD4-", b"", (b"utf-7",), [b"<script>"]),
        (b"<\0s\0>\0", b"", (b"utf-16le",), [b"<s>"]),
        (b"PABzAD4A", b"base64", (b"utf-16-le",), [b"<\0s\0>\0", "\u4150\u7a42\u4441\u4134".encode(), b"<s>"]),
        (b"a", b"rot13", (b"x-unheard-of",), []),
        (b"a", b"7bit", (b"koi8-r", b"windows-1251"), []),
    ],
)
def test_what_is_found(value: bytes, coding: bytes, charsets: tuple[bytes, ...], found: list[bytes]) -> None:
    assert as_declared(value, coding, charsets) == found


CODINGS = st.sampled_from([b"", b"base64", b"quoted-printable", b"x-uuencode", b"base64 7bit", b"\xff"])
CHARSETS = st.lists(st.sampled_from([b"utf-7", b"utf-16", b"hz", b"iso-2022-jp", b"\xff", b"punycode"]), max_size=2)


@given(st.binary(max_size=60), CODINGS, CHARSETS)
def test_never_raises_and_tells_nothing_twice(value: bytes, coding: bytes, charsets: list[bytes]) -> None:
    found = as_declared(value, coding, charsets)
    assert value not in found
    assert len(found) == len(set(found)) <= 8
