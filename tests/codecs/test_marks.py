"""Bytes as numbers, and tables that tell whether one of many stands in a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs import marks
from revproxy.codecs.marks import changing


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        (marks.NUL, b"\0"),
        (marks.NEWLINE, b"\n"),
        (marks.SPACE, b" "),
        (marks.QUOTE, b'"'),
        (marks.PERCENT, b"%"),
        (marks.AMPERSAND, b"&"),
        (marks.APOSTROPHE, b"'"),
        (marks.PLUS, b"+"),
        (marks.DOT, b"."),
        (marks.SLASH, b"/"),
        (marks.LESS, b"<"),
        (marks.EQUALS, b"="),
        (marks.GREATER, b">"),
        (marks.QUESTION, b"?"),
        (marks.BACKSLASH, b"\\"),
    ],
)
def test_numbers_are_those_of_the_signs(mark: int, text: bytes) -> None:
    assert bytes((mark,)) == text
    assert mark in b"a" + text


@given(st.frozensets(st.integers(0, 255)), st.binary(max_size=40))
def test_a_value_changes_where_one_of_the_bytes_stands_in_it(some: frozenset[int], value: bytes) -> None:
    assert (value.translate(changing(some)) != value) is any(byte in some for byte in value)


@given(st.frozensets(st.integers(0, 255)))
def test_those_bytes_change_and_no_others(some: frozenset[int]) -> None:
    """Neighbours that both stand in the set change too, as each becomes the other."""
    table = changing(some)
    assert {byte for byte, became in enumerate(table) if became != byte} == some
    assert len(table) == 256


@pytest.mark.parametrize("some", [b"aab", [97, 98], (byte for byte in b"ab")])
def test_bytes_may_come_in_any_way(some: bytes) -> None:
    assert changing(some) == changing(frozenset(b"ab"))
