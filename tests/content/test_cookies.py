"""The Cookie header."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.cookies import parse_cookies

CASES = [
    line.split("\t")
    for line in (Path(__file__).parents[1] / "data/content/cookies.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("header", "expected"), CASES, ids=[c[0] or "nothing" for c in CASES])
def test_table(header: str, expected: str) -> None:
    names, values = parse_cookies(header.encode("latin-1"))
    assert list(zip(names, values, strict=True)) == ast.literal_eval(expected)


@given(st.one_of(st.binary(max_size=200), st.text('a="\\; ,07', max_size=60).map(str.encode)))
def test_never_fails_and_keeps_lengths_equal(header: bytes) -> None:
    names, values = parse_cookies(header)
    assert len(names) == len(values)


@pytest.mark.parametrize(
    "unit", [b";", b'a="', b'a="\\', b";a=", b"; ", b'="";', b'=" ', b'"', b"\\", b',="\\"', b"= ", b"a"]
)
def test_a_head_full_of_anything_is_read_at_once(unit: bytes) -> None:
    header = b'x="' + unit * (32_000 // len(unit))
    before = time.process_time()
    parse_cookies(header)
    assert time.process_time() - before < 0.2
