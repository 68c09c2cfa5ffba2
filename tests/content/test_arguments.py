"""Queries to names and values."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.arguments import broken_escapes, joined, parse_query
from revproxy.errors import LimitError
from revproxy.model import ContentLimits

LIMITS = ContentLimits()
CASES = [
    line.split("\t")
    for line in (Path(__file__).parents[1] / "data/content/queries.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("query", "expected", "more"), CASES, ids=[c[0] or "nothing" for c in CASES])
def test_table(query: str, expected: str, more: str) -> None:
    names, values = parse_query(query.encode("latin-1"), LIMITS)
    assert list(zip(names, values, strict=True)) == ast.literal_eval(expected)
    assert joined(names, values) == ast.literal_eval(more)


@pytest.mark.parametrize(
    ("query", "broken"),
    [(b"", False), (b"a=1", False), (b"%41%4a%4F", False), (b"%", True), (b"a=%4", True), (b"%4g&%zz", True)],
)
def test_percent_signs_that_are_no_escapes(query: bytes, broken: bool) -> None:
    assert broken_escapes(query) is broken


def test_more_arguments_than_allowed_are_refused() -> None:
    most = ContentLimits(arguments=3)
    assert len(parse_query(b"a&b&c", most)[0]) == 3
    with pytest.raises(LimitError, match="arguments"):
        parse_query(b"a&b&c&d", most)
    with pytest.raises(LimitError, match="arguments"):
        parse_query(b"&&&", most)


def test_a_long_value_is_refused() -> None:
    most = ContentLimits(argument_bytes=10)
    parse_query(b"a=" + b"x" * 10, most)
    with pytest.raises(LimitError, match="argument_bytes"):
        parse_query(b"a=" + b"x" * 11, most)
    with pytest.raises(LimitError, match="argument_bytes"):
        parse_query(b"x" * 11, most)


@given(st.binary(max_size=300))
def test_never_fails_and_keeps_lengths_equal(query: bytes) -> None:
    names, values = parse_query(query, LIMITS)
    assert len(names) == len(values)
    assert all(name in names for name, _ in joined(names, values))


@given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), unique_by=lambda p: p[0]))
def test_reads_what_a_client_writes(pairs: list[tuple[bytes, bytes]]) -> None:
    def quote(value: bytes) -> bytes:
        return b"".join(b"%%%02x" % c for c in value)

    query = b"&".join(quote(n) + b"=" + quote(v) for n, v in pairs)
    assert parse_query(query, LIMITS) == ([n for n, _ in pairs], [v for _, v in pairs])
