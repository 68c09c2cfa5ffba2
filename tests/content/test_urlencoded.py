"""Urlencoded bodies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.arguments import parse_query
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

FORM = b"application/x-www-form-urlencoded"


def test_arguments_are_told_in_order(read) -> None:
    assert read(FORM, b"a=1&b=%27").arguments == [(b"a", b"1"), (b"b", b"'")]


def test_repeated_names_are_told_joined_too(read) -> None:
    assert read(FORM, b"a='/*&a=*/or 1=1").of("derived") == [(b"a", b"'/*,*/or 1=1")]


@pytest.mark.parametrize("charset", [b"utf-8", b"UTF-8", b"iso-8859-1", b""])
def test_a_charset_field_that_changes_nothing_is_taken(read, charset: bytes) -> None:
    read(FORM, b"_charset_=" + charset + b"&a=1")


@pytest.mark.parametrize("body", [b"_charset_=utf-7", b"_charset_=utf-8&_charset_=utf-7", b"%5fcharset_=UTF-7"])
def test_a_form_in_another_charset_is_told_in_it_too(read, body: bytes) -> None:
    got = read(FORM, b"a=%2bADw-&b=2&" + body)
    assert got.of("flaw") == [("charset",)]
    assert got.of("argument")[:2] == [(b"a", b"+ADw-"), (b"b", b"2")]
    assert (b"a", b"<") in got.of("derived")


def test_a_form_in_a_charset_that_we_do_not_know(read) -> None:
    got = read(FORM, b"a=%4d&_charset_=ibm037")
    assert (got.of("flaw"), got.of("derived")) == ([("charset",)], [])


def test_a_form_of_many_charsets_is_refused(read) -> None:
    with pytest.raises(ContentError, match="charset"):
        read(FORM, b"a=1&_charset_=utf-7,hz&_charset_=gbk")


def test_limits(read) -> None:
    with pytest.raises(LimitError, match="arguments"):
        read(FORM, b"a&" * 20, ContentLimits(arguments=10))
    with pytest.raises(LimitError, match="structured_bytes"):
        read(FORM, b"a" * 20, ContentLimits(structured_bytes=10))


@given(body=st.binary(max_size=100), cuts=st.lists(st.integers(0, 100), max_size=4))
def test_reads_as_a_query_however_it_comes(read, body: bytes, cuts: list[int]) -> None:
    try:
        got = read(FORM, body, None, cuts).of("argument")
    except ContentError:
        return
    assert got == list(zip(*parse_query(body, ContentLimits()), strict=True))


def test_json_and_xml_that_were_declared_as_a_form_are_read_too(read) -> None:
    typed = b"application/x-www-form-urlencoded"
    assert (b"json.a", b"A") in read(typed, b'{"a":"\\u0041"}').of("derived")
    assert ("xml_text", b"A") in read(typed, b"<a>&#65;</a>").told
