from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.base64 import decode_forgiving, decode_strict, encode


@given(st.binary(max_size=60))
def test_round_trip(value: bytes) -> None:
    text = encode(value)
    assert decode_strict(text) == value
    assert decode_forgiving(text) == value
    assert decode_forgiving(b"!".join(text[i : i + 1] for i in range(len(text)))) == value


@given(st.one_of(st.binary(max_size=30), st.text(alphabet="QUJD=\r\n \0+/", max_size=20).map(str.encode)))
def test_never_fails(value: bytes) -> None:
    decode_strict(value)
    decode_forgiving(value)


@pytest.mark.parametrize(
    ("value", "strict", "forgiving"),
    [
        (b"QUJD", b"ABC", b"ABC"),
        (b"QU\r\nJD  \n ", b"ABC", b"ABC"),
        (b"QU JD", b"QU JD", b"ABC"),
        (b"QUI", b"QUI", b"AB"),
        (b"QUJD=", b"QUJD=", b"ABC"),
        (b"Q=UJD", b"Q=UJD", b""),
        (b"QUJD\0?", b"ABC", b"ABC"),
        (b"====", b"====", b""),
    ],
)
def test_cases(value: bytes, strict: bytes, forgiving: bytes) -> None:
    assert (decode_strict(value), decode_forgiving(value)) == (strict, forgiving)
