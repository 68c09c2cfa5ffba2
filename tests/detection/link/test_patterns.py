import pytest

from revproxy.detection.link.patterns import CALM, ROUGH, forms
from revproxy.detection.patterns import bytesets, parse


def test_alphabet():
    assert not CALM & bytesets.NUL
    assert ROUGH


def test_what_needs_a_rough_byte_has_no_calm_form():
    assert forms(parse("a<b"), folded=False).calm is None
    assert forms(parse("a[<x]b"), folded=False).calm is not None


def test_what_needs_a_nul_has_no_joined_form():
    got = forms(parse(r"a\x00b"), folded=False)
    assert got.exact is not None
    assert got.joined is None


def test_capitals_never_match_a_lowered_value():
    assert forms(parse("AB"), folded=True).texts() == ()


@pytest.mark.parametrize("pattern", [r"(?:^|a)?b^c", r"a\b^", r"(^a|b)*c", r"(?:x$)?^y"])
def test_odd_anchors_are_dropped_rather_than_lost(pattern):
    assert forms(parse(pattern), folded=False).joined is not None


def test_loose_has_no_anchor():
    assert forms(parse("^a$"), folded=False, loose=True).exact == b"a"
