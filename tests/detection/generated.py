"""Strategies that generate patterns, and values that such patterns say something about."""

from __future__ import annotations

from hypothesis import strategies as st

ATOMS = (
    r"a b A B _ 1 . [ab] [^a] [a-c1] [^\n] \d \w \W \x61 \x{62} \n \. [[:alpha:]] [[:^digit:]x] é - (?i:a) (?-s:.)"
)
QUANTIFIERS = ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}", "{0,1}?"]
PLACES = ["^", "$", r"\A", r"\z", r"\b", r"\B"]
atoms = st.tuples(st.sampled_from([*ATOMS.split(), " "]), st.sampled_from(QUANTIFIERS)).map("".join)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.lists(inner, min_size=1, max_size=4).map("".join)
    either = st.lists(inner, min_size=1, max_size=3).map("|".join)
    group = st.tuples(either, st.sampled_from(QUANTIFIERS)).map(lambda pair: f"({pair[0]}){pair[1]}")
    return st.one_of(joined, group, st.tuples(joined, joined).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"))


texts = st.recursive(st.one_of(atoms, atoms, st.sampled_from(PLACES)), _grow, max_leaves=8)
ended = st.tuples(texts, st.sampled_from(["", "", "", r"\Z", "(?-m:$)"])).map("".join)
"""Also with what google-re2 cannot read as it stands."""
values = st.one_of(
    st.text(alphabet="abAB_1 .\n-", max_size=8).map(str.encode),
    st.lists(st.sampled_from([b"a", b"B", b"1", b"\n", b"\xc3\xa9", b"\xff", b" "]), max_size=8).map(b"".join),
)
