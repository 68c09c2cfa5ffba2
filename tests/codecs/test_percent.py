from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.percent import decode_form, decode_form_wide, decode_percent

texts = st.text(alphabet="%+uUfF019aAgG/ ", max_size=20).map(str.encode)


@given(texts)
def test_as_the_standard_library(value: bytes) -> None:
    assert decode_percent(value) == unquote_to_bytes(value)
    assert decode_form(value) == unquote_to_bytes(value.replace(b"+", b" "))


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
