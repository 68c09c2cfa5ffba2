"""Nothing that `detectSQLi` accepts is without a word or a byte of the necessary condition."""

from pathlib import Path

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.link.sqlwords import _PHRASES, _WORDS, SQL_NEEDS
from revproxy.detection.operators import compile_operator
from revproxy.detection.rules import Operator

SHARED = Path(__file__).resolve().parents[4] / "shared" / "prototype" / "sql-keywords.tsv"
ACCEPTS = compile_operator(Operator("detectSQLi")).test
DATABASE = hyperscan.Database()
FLAGS = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH
DATABASE.compile(
    expressions=[t.encode() for t in SQL_NEEDS], ids=[0] * len(SQL_NEEDS), flags=[FLAGS] * len(SQL_NEEDS)
)
DATABASE.scratch = hyperscan.Scratch(DATABASE)


def necessary(value):
    found = []
    DATABASE.scan(value, lambda *match: found.append(match))
    return bool(found)


TEXT = (
    "a x user id users table name password version sleep benchmark concat char ascii substring count max int if not "
    "like is between exists all any by on mod div rlike regexp sounds binary date 1 0 1.5 .5d 1e 0x1F 1e5 2d 0xA"
)
NAMES = TEXT.split()
tokens = st.sampled_from([w.replace("+", " ") for w in _WORDS + _PHRASES] + NAMES * 8)
marks = st.sampled_from(
    [" ", "  ", "\t", "", "+", "-", "*", "/", "=", "<", ">", "!", "%", ",", ".", "?", ":", "~", "^"]
)
texts = st.lists(st.tuples(tokens, marks).map("".join), min_size=1, max_size=6).map(lambda p: "".join(p).encode())


@settings(max_examples=1200, deadline=None)
@given(texts)
def test_no_hit_is_missed(value):
    if ACCEPTS(value):
        assert necessary(value)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from([*NAMES, "'", "--", ";", "{", "}", "[", "]", "$", "_"]), max_size=8), marks)
def test_no_hit_is_missed_among_names_and_numbers(words, mark):
    value = mark.join(words).encode()
    if ACCEPTS(value):
        assert necessary(value)


def test_words_of_the_reference():
    """What a measurement found to be needed."""
    if not SHARED.exists():
        pytest.skip("the reference words are not at hand")
    rows = [line.split("\t")[0] for line in SHARED.read_text().splitlines() if line and line[0] != "#"]
    missing = [w for w in rows if not necessary(f"1 {w} 1".encode()) or not necessary(f"1{w} 1".encode())]
    assert missing == []


@pytest.mark.parametrize("text", [b"limit", b"alpha beta", b"a plain sentence about rivers", b"12.5", b"order-7"])
def test_ordinary_text_is_ruled_out(text):
    assert not necessary(text)
