"""Properties of trees, over generated patterns and values: both matchers and every operation say the same.

The oracle is google-re2 on the text as it was generated.
"""

from __future__ import annotations

from typing import Any

import hyperscan
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revproxy.detection.patterns import (
    PatternError,
    UnjoinableError,
    bytesets,
    intersect,
    max_length,
    min_length,
    parse,
    preimage,
    separator_safe,
    to_hyperscan,
    to_re2,
    trim,
)

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
values = st.one_of(
    st.text(alphabet="abAB_1 .\n-", max_size=8).map(str.encode),
    st.lists(st.sampled_from([b"a", b"B", b"1", b"\n", b"\xc3\xa9", b"\xff", b" "]), max_size=8).map(b"".join),
)
checked = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def program(text: bytes) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    return re2.compile(text, options)


def original(text: str) -> Any:
    return program(b"(?m)" + text.encode())


def found(text: bytes, value: bytes) -> bool:
    return program(text).search(value) is not None


@checked
@given(texts, values)
def test_re2_text_means_the_same(text: str, value: bytes) -> None:
    tree = parse(text)
    want = original(text).search(value)
    got = program(to_re2(tree)).search(value)
    assert (want is None) == (got is None) == (not found(to_re2(tree, groups=False), value))
    if want is not None:
        assert (want.span(), want.groups()) == (got.span(), got.groups())
        longest = max_length(tree)
        start, end = want.span()
        assert min_length(tree) <= end - start
        assert longest is None or end - start <= longest


@checked
@given(texts, values)
def test_hyperscan_text_means_the_same(text: str, value: bytes) -> None:
    database = hyperscan.Database()
    flags = hyperscan.HS_FLAG_ALLOWEMPTY | hyperscan.HS_FLAG_SINGLEMATCH
    try:
        database.compile(expressions=[to_hyperscan(parse(text))], ids=[0], flags=[flags])
    except hyperscan.error:
        return  # an anchor where Hyperscan takes none
    hits: list[int] = []
    database.scan(value, match_event_handler=lambda *hit: hits.append(hit[0]))
    assert bool(hits) == (original(text).search(value) is not None)


@checked
@given(texts, values)
def test_what_was_written_reads_the_same(text: str, value: bytes) -> None:
    tree = parse(text)
    again = parse(to_re2(tree))
    assert to_re2(again) == to_re2(parse(to_re2(again)))
    assert found(to_re2(again), value) == found(to_re2(tree), value)


@checked
@given(texts, st.lists(values, min_size=1, max_size=4))
def test_a_joined_scan_hits_when_one_value_does(text: str, several: list[bytes]) -> None:
    try:
        safe = separator_safe(parse(text))
    except UnjoinableError:
        return
    want = any(original(text).search(value) is not None for value in several)
    got = safe is not None and found(to_re2(safe), b"\0".join(several))
    assert got == want


@checked
@given(texts, values)
def test_trimming_keeps_which_values_match(text: str, value: bytes) -> None:
    assert found(to_re2(trim(parse(text))), value) == (original(text).search(value) is not None)


@checked
@given(texts, st.text(alphabet="ab1 ", max_size=8).map(str.encode))
def test_an_intersection_serves_values_of_its_alphabet(text: str, value: bytes) -> None:
    part = intersect(parse(text), bytesets.of(b"ab1 "))
    want = original(text).search(value) is not None
    assert (part is not None and found(to_re2(part), value)) == want


@checked
@given(texts, values)
def test_a_preimage_matches_before_what_the_pattern_matches_after(text: str, value: bytes) -> None:
    table = bytes(range(256)).lower()
    before = preimage(parse(text), table)
    want = original(text).search(value.translate(table)) is not None
    assert (before is not None and found(to_re2(before), value)) == want


@checked
@given(st.text(alphabet="ab|()[]{}?*+\\^$.,-:=!<>iPQE1x0 ", max_size=12), values)
def test_any_text_parses_or_says_where_it_is_wrong(text: str, value: bytes) -> None:
    try:
        tree = parse(text)
    except PatternError as error:
        place = error.offset
        tree = None
    if tree is None:
        assert 0 <= place <= len(text)
        return
    program(to_re2(tree)).search(value)
