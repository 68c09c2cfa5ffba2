import pytest

from revproxy.detection.link.patterns import CALM, ROUGH, forms
from revproxy.detection.patterns import bytesets, parse


def test_alphabet():
    assert not CALM & bytesets.NUL
    assert ROUGH


def test_what_needs_a_rough_byte_has_no_calm_form():
    assert forms(parse("a<b"), folded=False).calm is None
    assert forms(parse("a[<x]b"), folded=False).calm is not None


def test_what_takes_a_nul_takes_its_stand_in():
    assert forms(parse(r"a\x00b"), folded=False).joined == rb"a\x01b"
    assert forms(parse(r"a[\x00-\x02]b"), folded=False).joined == rb"a[\x01\x02]b"


def test_a_calm_form_is_never_longer():
    words = forms(parse("|".join(f"[^a-z]{w}[^a-z0-9]" for w in ("one", "two", "six"))), folded=False)
    assert words.calm == words.joined
    assert forms(parse("[a<]{3}x"), folded=False).calm == rb"a{3}x"


def test_capitals_never_match_a_lowered_value():
    assert forms(parse("AB"), folded=True).texts() == ()


@pytest.mark.parametrize("pattern", [r"(?:^|a)?b^c", r"a\b^", r"(^a|b)*c", r"(?:x$)?^y"])
def test_odd_anchors_are_dropped_rather_than_lost(pattern):
    assert forms(parse(pattern), folded=False).joined is not None


def test_loose_has_no_anchor():
    assert forms(parse("^a$"), folded=False, loose=True).joined == b"a"
