"""Encoded words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.encodedword import decode_words, has_words

CASES = [
    (b"plain", b"plain"),
    (b"=?utf-8?q?a_b=20c?=", b"a b c"),
    (b"=?UTF-8?B?aGVsbG8=?=", b"hello"),
    (b"=?utf-8?b?aGVsbG8?=", b"hello"),
    (b"=?utf-8?b?aGVs*bG8=?=", b"hello"),
    (b"=?utf-8?b?a?=", b""),
    (b"=?iso-8859-1?q?=E9?=", b"\xc3\xa9"),
    (b"=?utf-8*en?q?x?=", b"x"),
    (b"=?utf-8?q?a?= =?utf-8?q?b?=", b"ab"),
    (b"=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", b"ab c"),
    (b"x =?utf-8?q?a?= y", b"x a y"),
    (b'"=?utf-8?q?a?="', b'"a"'),
    (b"=?nonsense?q?=C3=A9?=", b"\xc3\xa9"),
    (b"=?utf-8?x?a?=", b"=?utf-8?x?a?="),
    (b"=?utf-8?q?a", b"=?utf-8?q?a"),
    (b"=?utf-16?b?/v8AYQ==?=", b"a"),
]


@pytest.mark.parametrize(("value", "expected"), CASES)
def test_table(value: bytes, expected: bytes) -> None:
    assert decode_words(value) == expected


def test_has_words() -> None:
    assert has_words(b"x =?utf-8?q?a?=")
    assert not has_words(b"=?utf-8?=")


@given(st.one_of(st.binary(max_size=80), st.text("=?utf-8qb_ A", max_size=80).map(str.encode)))
def test_never_raises(value: bytes) -> None:
    decode_words(value)
    decode_words(b"=?utf-8?b?" + value + b"?= =?utf-7?q?" + value + b"?=")


@pytest.mark.parametrize("unit", [b"=?", b"=?a?q?", b"?= ", b" ", b"=?a?q?b?= ", b"?=\t", b"=?a?b?"])
def test_long_headers_take_no_time(unit: bytes) -> None:
    value = b"?=" + unit * (250_000 // len(unit))
    before = time.process_time()
    decode_words(value)
    assert time.process_time() - before < 0.5
