from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.escape import decode_c, decode_css, decode_js

ALL = (decode_js, decode_c, decode_css)


@pytest.mark.parametrize(
    ("value", "js", "c", "css"),
    [
        (rb"\x41", b"A", b"A", b"x41"),
        (rb"\u0041", b"A", b"u0041", b"u0041"),
        (rb"\uff1c", b"<", b"uff1c", b"uff1c"),
        (rb"\ff1c ", b"\x0cf1c ", b"\x0cf1c ", b"<"),
        (rb"\00ff1c z", b"\x00ff1c z", b"\x00ff1c z", b"<z"),
        (rb"\101", b"A", b"A", b"\x01"),
        (rb"\777", b"?7", b"\xff", b"w"),
        (b"a\\", b"a\\", b"a\\", b"a"),
        (b"\\\nx", b"\nx", b"\nx", b"x"),
        (rb"\n\q\\", b"\nq\\", b"\nq\\", b"nq\\"),
    ],
)
def test_cases(value: bytes, js: bytes, c: bytes, css: bytes) -> None:
    assert (decode_js(value), decode_c(value), decode_css(value)) == (js, c, css)


@pytest.mark.parametrize("decode", ALL)
@given(st.text(alphabet="\\uxX0179afn \n", max_size=30).map(str.encode))
def test_never_longer(decode: Callable[[bytes], bytes], value: bytes) -> None:
    assert len(decode(value)) <= len(value)
