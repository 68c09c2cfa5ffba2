"""Properties of trees, over generated patterns and values: both matchers and every operation say the same.

The oracle is google-re2 on the text as it was generated; where it and PCRE part, the operator `rx`, which is held
against PCRE in its own tests.
"""

from __future__ import annotations

from typing import Any

import hyperscan
import re2
from generated import ended, texts, values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revproxy.detection.operators import OPERATORS
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
    strict,
    to_hyperscan,
    to_re2,
    trim,
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


def scans(text: bytes, value: bytes) -> bool | None:
    """Whether Hyperscan finds it; None where it takes no such anchor."""
    database = hyperscan.Database()
    flags = hyperscan.HS_FLAG_ALLOWEMPTY | hyperscan.HS_FLAG_SINGLEMATCH
    try:
        database.compile(expressions=[text], ids=[0], flags=[flags])
    except hyperscan.error:
        return None
    hits: list[int] = []
    database.scan(value, match_event_handler=lambda *hit: hits.append(hit[0]))
    return bool(hits)


def accepts(text: str, value: bytes) -> bool:
    return OPERATORS["rx"](text)(value)


@checked
@given(ended, values)
def test_hyperscan_text_means_the_same(text: str, value: bytes) -> None:
    assert scans(to_hyperscan(parse(text)), value) in (None, accepts(text, value))


@checked
@given(texts, values)
def test_what_was_written_reads_the_same(text: str, value: bytes) -> None:
    tree = parse(text)
    again = parse(to_re2(tree))
    assert to_re2(again) == to_re2(parse(to_re2(again)))
    assert found(to_re2(again), value) == found(to_re2(tree), value)


@checked
@given(ended, st.lists(values, min_size=1, max_size=4))
def test_a_joined_scan_hits_when_one_value_does(text: str, several: list[bytes]) -> None:
    try:
        safe = separator_safe(parse(text))
    except UnjoinableError:
        return
    wanted = [accepts(text, value) for value in several]
    joined = b"\0".join(several)
    got = safe is not None and found(to_re2(safe), joined)
    scanned = safe is not None and scans(to_hyperscan(safe), joined) is not False
    # Where a line may begin at the end of a match, a newline in front of the separator may be taken for an inner one.
    exact = strict(parse(text)) is None or not any(value.endswith(b"\n") for value in several)
    assert got == any(wanted) or (got and not exact)
    assert scanned or not any(wanted)


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
