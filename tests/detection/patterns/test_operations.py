"""Single cases of the operations; their properties are in test_agreement."""

from __future__ import annotations

import pytest

from revproxy.detection.patterns import (
    UnjoinableError,
    bare,
    bytesets,
    has_place,
    intersect,
    matches_empty,
    max_length,
    min_length,
    parse,
    preimage,
    separator_safe,
    size,
    to_re2,
    trim,
)

LOWER = bytes(range(256)).lower()


@pytest.mark.parametrize(
    ("text", "least", "most", "empty"),
    [("abc", 3, 3, False), ("a*", 0, None, True), ("(?:ab|c){2,3}", 2, 6, False), (r"^\b$", 0, 0, False)],
)
def test_lengths(text: str, least: int, most: int | None, empty: bool) -> None:
    tree = parse(text)
    assert (min_length(tree), max_length(tree), matches_empty(tree)) == (least, most, empty)


def test_trim_drops_what_only_makes_a_match_longer() -> None:
    assert trim(parse(r"\s*(a+b)+c?")) == parse("ab")
    assert trim(parse(r"(a{2,5}|bx*)")) == parse("a{2}|b")
    assert trim(parse("^a*")) == parse("^")


def test_intersect() -> None:
    assert intersect(parse("a[b;]|;c"), bytesets.of(b"abc")) == parse("ab")
    assert intersect(parse("a;"), bytesets.of(b"abc")) is None
    assert intersect(parse("a;?"), bytesets.of(b"abc")) == parse("a")


def test_preimage() -> None:
    assert preimage(parse("ab"), LOWER) == parse("(?i)ab")
    assert preimage(parse("A"), LOWER) is None
    with pytest.raises(ValueError, match="line ends"):
        preimage(parse("^a"), bytes(range(256)).replace(b"\n", b" "))


@pytest.mark.parametrize("text", ["x*^a", "(?:^|a)+b", "a$b?", "a$\\b"[:2] + "$b*"])
def test_anchors_in_doubtful_places_are_refused(text: str) -> None:
    with pytest.raises(UnjoinableError):
        separator_safe(parse(text))


def test_separator_safe() -> None:
    assert separator_safe(parse(r"\x00")) is None
    assert separator_safe(parse(r"b\Aa|c")) == parse("c")
    assert to_re2(separator_safe(parse("^a"))) == rb"(?:(?m:^)|\x00)a"


def test_size_grows_with_the_pattern() -> None:
    assert size(parse("a")) < size(parse("a{3}")) < size(parse("a{40}|b")) <= size(parse("(?:a{40}|b)c"))


def test_bare_and_places() -> None:
    assert bare(parse("(a(b))")) == parse("ab")
    assert has_place(parse("(a|b$)"))
    assert not has_place(parse("(a|b)"))
