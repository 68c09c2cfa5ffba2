from functools import partial

from builders import simple

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


def test_numbers():
    values = [b"ab", b"", b"cd"]
    assert [numbers([end], values) for end in (1, 2, 5, 6)] == [[0], [0], [2], [2]]
    # A pattern may take the border itself for the end of a value.
    assert 0 in numbers([3], values)
    assert numbers([], values) == []
    assert numbers([7], values) == [2]
