"""The Cookie header."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.cookies import other_cookies, parse_cookies

CASES = [
    line.split("\t")
    for line in (Path(__file__).parents[1] / "data/content/cookies.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("header", "plain", "others"), CASES, ids=[c[0] or "nothing" for c in CASES])
def test_table(header: str, plain: str, others: str) -> None:
    read = parse_cookies(header.encode("latin-1"))
    assert list(zip(*read, strict=True)) == ast.literal_eval(plain)
    more = other_cookies(header.encode("latin-1"))
    assert (more and list(zip(*more, strict=True))) == ast.literal_eval(others)


@given(st.one_of(st.binary(max_size=200), st.text('a="\\; ,07', max_size=60).map(str.encode)))
def test_never_fails_and_keeps_lengths_equal(header: bytes) -> None:
    names, values = parse_cookies(header)
    assert len(names) == len(values)
    names, values = other_cookies(header) or ([], [])
    assert len(names) == len(values)


@given(st.text('ab="\\; ,0', max_size=30).map(lambda text: text.strip(" ").encode()))
def test_where_all_read_alike_there_is_nothing_else(header: bytes) -> None:
    if other_cookies(header) is None:
        assert other_cookies(header + b"; a ") == tuple([*part, b"a"] for part in parse_cookies(header))


@pytest.mark.parametrize(
    "unit", [b";", b'a="', b'a="\\', b";a=", b"; ", b'="";', b'=" ', b'"', b"\\", b',="\\"', b"= ", b"a"]
)
def test_a_head_full_of_anything_is_read_at_once(unit: bytes) -> None:
    header = b'x="' + unit * (32_000 // len(unit))
    before = time.process_time()
    parse_cookies(header)
    other_cookies(header)
    assert time.process_time() - before < 0.2
