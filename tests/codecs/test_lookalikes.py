"""Look-alikes beside a naive twin that goes by characters, and cases of each kind."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.lookalikes import SEQUENCES, fold_lookalikes

CASES = [
    ("＜script＞", b"<script>"),
    ("𝓼𝓮𝓵𝓮𝓬𝓽", b"select"),
    ("①②⑦.⓪.⓪.①", b"127.0.0.1"),
    ("127。0。0。1", b"127.0.0.1"),
    ("x\u02bc or 1\u2032", b"x' or 1'"),
    ("sc\u00adri\u200bpt", b"script"),
    ("\u2028a\u2215b", b"\na/b"),
    ("ﬁle ſet ℌello", b"file set Hello"),
    ("漢字 и ж é", "漢字 и ж é".encode()),
]


@pytest.mark.parametrize(("text", "plain"), CASES)
def test_cases(text: str, plain: bytes) -> None:
    assert fold_lookalikes(text.encode()) == plain


@pytest.mark.parametrize("form", [b"\xc0%c", b"\xe0\x80%c", b"\xf0\x80\x80%c"])
def test_overlong_forms(form: bytes) -> None:
    assert fold_lookalikes(form % 0xAE + form % 0xAF) == b"./"
    assert fold_lookalikes(b"\xc0\x80") == b"\xc0\x80"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_that_nfkc_makes_ascii_is_left(text: str) -> None:
    folded = fold_lookalikes(text.encode()).decode()
    assert [c for c in folded if not c.isascii() and unicodedata.normalize("NFKC", c).isascii()] == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_nfkc_keeps_out_of_ascii_stays(text: str) -> None:
    kept = [c for c in text if not unicodedata.normalize("NFKC", c).isascii() and unicodedata.category(c)[0] == "L"]
    folded = fold_lookalikes(text.encode()).decode()
    letters = [c for c in folded if not c.isascii() and unicodedata.category(c)[0] == "L"]
    assert letters == [c for c in kept if c.encode() == fold_lookalikes(c.encode())]


@given(st.binary(max_size=60))
def test_only_where_a_sequence_stands(value: bytes) -> None:
    if not re.search(SEQUENCES.encode(), value, re.DOTALL):
        assert fold_lookalikes(value) == value


@pytest.mark.parametrize("piece", [b"\xef\xbc", b"\xc0", b"\xe2\x80\x99", b"\xf0\x80\x80"])
def test_time_is_linear(piece: bytes) -> None:
    value = piece * (1_000_000 // len(piece))
    before = time.process_time()
    fold_lookalikes(value)
    assert time.process_time() - before < 1.0
