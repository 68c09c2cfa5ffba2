"""Transfer encodings as they are written."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.mimecoding import codings, decode


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (b"7bit",)),
        ([b"base64"], (b"base64",)),
        ([b"Base64"], (b"base64",)),
        ([b"8bit"], (b"7bit",)),
        ([b"base64 "], (b"base64", b"7bit")),
        ([b"\tbase64"], (b"base64", b"7bit")),
        ([b"\r\n base64"], (b"base64", b"7bit")),
        ([b"base64 (x)"], (b"base64", b"7bit")),
        ([b'"base64"; x=y'], (b"base64", b"7bit")),
        ([b"7bit", b"base64"], (b"7bit", b"base64")),
        ([b"quoted-printable", b"base64"], (b"quoted-printable", b"base64")),
        ([b"x-unknown"], (b"7bit",)),
        ([b"base64\xa0"], (b"base64", b"7bit")),
    ],
)
def test_codings(values: list[bytes], expected: tuple[bytes, ...]) -> None:
    assert codings(values) == expected


def test_decode() -> None:
    assert decode(b"=41", b"7bit") == b"=41"
    assert decode(b"=41", b"quoted-printable") == b"A"
    assert decode(base64.b64encode(b"hello"), b"base64") == b"hello"
    assert decode(b"begin 644 a\n%:&5L;&\\ \n`\nend\n", b"x-uuencode").startswith(b"hel")


@given(st.binary(max_size=100), st.lists(st.binary(max_size=30), max_size=3))
def test_never_raises(content: bytes, values: list[bytes]) -> None:
    for coding in codings(values):
        decode(content, coding)
