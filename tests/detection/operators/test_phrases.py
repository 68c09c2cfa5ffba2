from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators.phrases import phrases_of, pm

words = st.lists(st.text(alphabet="abAB.", min_size=1, max_size=3), min_size=1, max_size=4)


@given(words, st.text(alphabet="abAB. ", max_size=12))
def test_any_phrase_whatever_its_case(phrases: list[str], value: str) -> None:
    want = any(phrase.lower() in value.lower() for phrase in phrases)
    assert pm(tuple(phrases))(value.encode()) == want
    assert pm(" ".join(phrases))(value.encode()) == want


def test_hexadecimal_runs() -> None:
    assert phrases_of("a|20 41|b c |zz|") == (b"a ab", b"c", b"|zz|")
    assert phrases_of(("a b", "A B")) == (b"a b",)


def test_escapes() -> None:
    assert phrases_of(r"a\;b \\ c\d \"\:") == (b"a;b", b"\\", rb"c\d", b'":')
