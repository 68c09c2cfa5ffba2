from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators.validate import allowed_bytes, byte_range, url_encoding, utf8_encoding


def test_ranges() -> None:
    assert allowed_bytes("9, 10,13,48-50") == b"\x09\x0a\x0d012"
    assert allowed_bytes("") == b""


@given(st.binary(max_size=20))
def test_a_byte_outside(value: bytes) -> None:
    assert byte_range("32-126")(value) == any(not 32 <= byte <= 126 for byte in value)


def test_percent_at_the_end() -> None:
    assert url_encoding("").span(b"ab%") == (2, 3)


@given(st.lists(st.one_of(st.text(max_size=4).map(str.encode), st.binary(max_size=4)), max_size=6))
def test_of_many_values_at_once(values: list[bytes]) -> None:
    operator = utf8_encoding("")
    assert operator.clears is not None
    assert operator.clears(b"\0".join(values)) == (not any(map(operator, values)))
