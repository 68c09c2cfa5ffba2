import pytest

from revproxy.detection.link.patterns import CALM, CALM_WIRE, Shape, forms, heavy_form
from revproxy.detection.patterns import bytesets, parse


def test_alphabet():
    assert not CALM_WIRE & bytesets.NUL
    assert CALM & CALM_WIRE == CALM


def test_what_needs_a_rough_byte_has_no_calm_form():
    assert forms(parse("a<b"), Shape()).calm is None
    assert forms(parse("a[<x]b"), Shape()).calm is not None


def test_what_takes_a_nul_takes_its_stand_in():
    assert forms(parse(r"a\x00b"), Shape()).joined == rb"a\x01b"
    assert forms(parse(r"a[\x00-\x02]b"), Shape()).joined == rb"a[\x01\x02]b"


def test_a_calm_form_is_never_longer():
    words = forms(parse("|".join(f"[^a-z]{w}[^a-z0-9]" for w in ("one", "two", "six"))), Shape())
    assert words.calm == words.joined
    assert forms(parse("[a<]{3}x"), Shape()).calm == rb"a{3}x"


def test_capitals_never_match_a_lowered_value():
    assert forms(parse("AB"), Shape(folded=True)).texts() == ()


@pytest.mark.parametrize("pattern", [r"(?:^|a)?b^c", r"a\b^", r"(^a|b)*c", r"(?:x$)?^y"])
def test_odd_anchors_are_dropped_rather_than_lost(pattern):
    assert forms(parse(pattern), Shape()).joined is not None


def test_loose_has_no_anchor():
    assert forms(parse("^a$"), Shape(), loose=True).joined == b"a"


def test_a_heavy_pattern_may_have_a_calm_form():
    tree = parse("a[b<]")
    plain, none = heavy_form(tree, Shape(), set()), heavy_form(parse("<"), Shape(), set())
    assert (plain.joined, plain.calm, plain.heavy_calm) == (None, b"ab", False)
    assert (none.calm, none.heavy_calm, none.heavy) == (None, False, rb"\x3c")
    refused = heavy_form(tree, Shape(), {b"ab"})
    assert (refused.calm, refused.heavy_calm) == (None, True)
