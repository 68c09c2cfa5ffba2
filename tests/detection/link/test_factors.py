import pytest
from generated import texts, values
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from revproxy.detection.link.factors import factors
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import PatternError, bytesets, parse

CASES = [
    ("select", 8, ["select"]),
    ("select", 3, ["sel"]),
    ("(?:union.{0,9}select|load_file)", 8, ["select", "load_fil"]),
    ("x+<script", 8, ["x<script"]),
    ("(?:a|b)*zebra?", 8, ["zebr"]),
    ("q{9}", 4, ["qqqq"]),
    ("t(?:his|op)z", 8, ["thisz", "topz"]),
    (r"\bfoo$bar^", 8, ["foobar"]),
    ("(zebra)", 8, ["zebra"]),
    ("(?:zebra){2}", 8, ["zebra"]),
    # Too common, or in no match for certain.
    ("a", 8, []),
    ("[a-z]{3}", 8, []),
    ("(?:zebra)*", 8, []),
    ("zebra|", 8, []),
    ("zebra|e", 8, []),
    ("^$", 8, []),
]


def spelled(found):
    return ["".join(chr(next(bytesets.members(mask))) for mask in factor) for factor in found]


@pytest.mark.parametrize(("text", "width", "want"), CASES)
def test_factors(text, width, want):
    assert spelled(factors([parse(text)], 0, width)) == want


def test_no_factor_has_an_avoided_byte():
    assert spelled(factors([parse("etc/passwd")], bytesets.of(b"/"), 8)) == ["passwd"]
    assert spelled(factors([parse("[/x]")], bytesets.of(b"/"), 8)) == []


def test_each_of_several_patterns_has_to_have_one():
    assert spelled(factors([parse("zebra"), parse("quagga")], 0, 8)) == ["zebra", "quagga"]
    assert spelled(factors([parse("zebra"), parse("e")], 0, 8)) == []
    assert factors([], 0, 8) == ()


@settings(deadline=None)
@given(texts, values, st.integers(1, 4))
def test_every_match_holds_one(text, value, width):
    try:
        tree = parse(text)
    except PatternError:
        assume(False)
    found = factors([tree], 0, width)
    if found and matcher(tree).test(value):
        assert any(
            all(mask >> byte & 1 for mask, byte in zip(factor, value[at:], strict=False))
            for factor in found
            for at in range(len(value) - len(factor) + 1)
        )
