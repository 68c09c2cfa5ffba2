from functools import partial

from builders import simple
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.engine.places import MOST, Places, joined, numbers
from revproxy.detection.engine.shared import Shared
from revproxy.detection.link import link

RULESET = link([simple("zebra", "zebra", chain=["removeWhitespace"])])
PLACES = Places(RULESET.groups[0].hints, partial(Shared(RULESET).scan, beside=False))


def test_joined():
    assert joined([b"a", b"", b"b"]) == (b"a\0\0b", True)
    assert joined([b"a\0", b"b"]) == (b"a\1\0b", False)


def test_ends():
    """Of the hint, four bytes of the word."""
    assert PLACES.ends(0, b"zebra\0x\0ze bra") == [4, 13]
    assert PLACES.ends(0, b"plain") == []


def test_too_many_to_tell():
    assert PLACES.ends(0, b"zebra" * MOST) is None
    assert PLACES.ends(0, b"zebra") == [4]
    assert PLACES.ends(0, b"zebra zebra", 2) is None
    assert PLACES.ends(0, b"zebra", 2) == [4]


def test_whether_there_is_one():
    assert [PLACES.holds(0, data) for data in (b"zebra zebra", b"plain", b"")] == [True, False, False]


def test_numbers():
    data = b"ab\0\0cd"
    assert [numbers([end], data) for end in (1, 2, 5, 6)] == [[0], [0], [2], [2]]
    # A pattern may take the border itself for the end of a value.
    assert 0 in numbers([3], data)
    assert numbers([], data) == []
    assert numbers([6, 0, 1], data) == [0, 2]


@given(st.lists(st.binary(max_size=3).map(lambda v: v.replace(b"\0", b"x")), min_size=1, max_size=6), st.data())
def test_the_value_in_which_a_match_ends_is_among_the_numbers(values, data):
    at = data.draw(st.integers(0, len(values) - 1))
    begin = sum(len(value) + 1 for value in values[:at])
    end = data.draw(st.integers(begin, begin + len(values[at])))
    others = data.draw(st.lists(st.integers(0, len(b"\0".join(values)))))
    found = numbers([*others, end], b"\0".join(values))
    assert at in found
    assert found == sorted(set(found))
    assert found[-1] < len(values)
