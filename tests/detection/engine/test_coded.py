from base64 import b64encode

import pytest
from builders import condition, rule
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.engine.coded import decodable, shortest
from revproxy.detection.link import link
from revproxy.detection.transformations import TRANSFORMATIONS

CASES = [
    (b"emVicmE2", [b"zebra6"], False),
    (b"emVi cmE2 ", [b"zebra6"], False),
    (b"emVicmE", [], False),
    (b"emVicmE=", [], True),
    (b"emVicm+2", [], True),
    (b"emVi%63mE2", [], True),
    (b"emVi\ncmE2x", [], True),
    (b"emVi-cmE", [], False),
    (b"emVi", [], False),
    (b"", [], False),
]


@pytest.mark.parametrize(("value", "decoded", "other"), CASES)
def test_decodable(value, decoded, other):
    found = decodable([value], value, 8)
    assert (found.decoded, bool(found.others)) == (decoded, other)
    assert found.plain == [value] * len(decoded)


PIECES = [b"emVi", b"cm", b"E2", b"=", b"+", b"/", b" ", b"\n", b"%3d", rb"\x2b", b"-", b"\xa0"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join), st.booleans())
def test_what_is_left_out_is_not_decoded(value, takes_out):
    chain = ["urlDecodeUni", "jsDecode", *(["removeWhitespace"] if takes_out else [])]
    form = value
    for name in chain:
        form = TRANSFORMATIONS[name](form)
    decoded = TRANSFORMATIONS["base64Decode"](form)
    found = decodable([value], value, 4)
    # Blanks alone decode to nothing at all.
    if decoded not in (form, b"") and not found.others:
        assert found.decoded == [decoded]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join), min_size=1, max_size=4))
def test_values_are_told_apart(values):
    found = decodable(values, b"\0".join(values), 4)
    alone = [decodable([value], value, 4) for value in values]
    assert found.plain == [value for one in alone for value in one.plain]
    assert found.decoded == [text for one in alone for text in one.decoded]
    assert found.others == [value for one in alone for value in one.others]


@pytest.mark.parametrize(("pattern", "want"), [("zebra", 8), ("z<", 4)])
def test_shortest(pattern, want):
    """A match of more than three bytes takes more than one group of digits."""
    (group,) = link([rule("r", condition(["args"], ("rx", pattern), chain=["base64Decode"]))]).groups
    assert group.coded == {0: 0}
    assert shortest(group) == want
    assert len(b64encode(pattern.encode())) >= want
