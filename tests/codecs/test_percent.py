from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.percent import decode_form, decode_form_wide, decode_percent

escapes = st.sampled_from(
    [b"%41", b"%e9", b"%25", b"%5C", b"%u00e9", b"%U0041", b"%uff21", b"%ud83d", b"%u0025", b"\xe9"]
)
texts = st.text(alphabet="%+uUfF019aAgG/\\ ", max_size=20).map(str.encode)
pieces = st.lists(escapes | st.just(b"abc+") | texts.filter(lambda text: len(text) < 4), max_size=30).map(b"".join)
"""Long and short; in most of them every `%` begins an escape, in some there are backslashes."""


def wide_bytes(match: re.Match[bytes]) -> bytes:
    if match[2]:
        return bytes((int(match[2], 16),))
    point = int(match[1], 16)
    return bytes((point - 0xFEE0 if 0xFF01 <= point <= 0xFF5E else point & 0xFF,))


@given(texts | pieces)
def test_as_the_standard_library(value: bytes) -> None:
    assert decode_percent(value) == unquote_to_bytes(value)
    assert decode_form(value) == unquote_to_bytes(value.replace(b"+", b" "))


@given(texts | pieces)
def test_wide_escapes_beside_the_others(value: bytes) -> None:
    plain = value.replace(b"+", b" ")
    assert decode_form_wide(value) == re.sub(rb"%[uU]([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})", wide_bytes, plain)


@pytest.mark.parametrize(
    ("value", "form", "wide"),
    [
        (b"a+b%20c", b"a b c", b"a b c"),
        (b"%2B+", b"+ ", b"+ "),
        (b"%%41%4", b"%A%4", b"%A%4"),
        (b"%u0041", b"%u0041", b"A"),
        (b"%Uff1C%uFF5e", b"%Uff1C%uFF5e", b"<~"),
        (b"%uff00%uff5f%u12", b"%uff00%uff5f%u12", b"\x00\x5f%u12"),
        (b"%u00%u0041", b"%u00%u0041", b"%u00A"),
    ],
)
def test_cases(value: bytes, form: bytes, wide: bytes) -> None:
    assert decode_form(value) == form
    assert decode_form_wide(value) == wide
