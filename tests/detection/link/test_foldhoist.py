import pytest

from revproxy.detection.link.folddraft import Piece
from revproxy.detection.link.foldhoist import hoist
from revproxy.detection.link.foldrule import Read, Wrote
from revproxy.detection.link.foldstate import NO_DOUBTS, Names
from revproxy.detection.rules import Assign, SetVariable

SET = SetVariable((b"a",), Assign.SET, (b"1",))
A = Names(b"a")
X, Y = frozenset("x"), frozenset("y")


def change(value=b"1", around=None, doubts=NO_DOUBTS):
    return Piece(SET, True, b"a", value, around, doubts)


def read(place, names=A, doubts=NO_DOUBTS):
    return Read(place, names, doubts)


@pytest.mark.parametrize(
    ("events", "begin"),
    [
        ([change()], b"1"),
        ([change(), change(b"2")], b"2"),
        ([change(), change(None)], None),
        ([change(), read(3), change(b"2")], b"1"),
        ([change(), Wrote(A), change(b"2")], b"1"),
        ([Wrote(Names(prefix=b"")), change()], b"0"),
        ([read(0, Names(pattern="^A")), change()], b"0"),
        ([read(0, Names(b"b")), change()], b"1"),
        ([change(around=3), read(2)], b"1"),
        ([change(around=3), read(3)], b"0"),
        ([change(around=3), read(3, Names(prefix=b"a"))], b"0"),
        ([change(doubts=X), read(2, doubts=X | Y)], b"1"),
        ([change(doubts=X), read(2, doubts=X), read(3)], b"0"),
        ([change(doubts=X), read(2), read(3, doubts=X)], b"0"),
        ([change(doubts=X), change(b"2")], b"2"),
    ],
)
def test_hoist(events, begin):
    assert hoist(events, {b"A": b"0"}, frozenset()).get(b"a") == begin


def test_what_stays_is_kept():
    first, second, third = change(), change(b"2"), change(b"3")
    hoist([first, read(0), second, third], {}, frozenset())
    assert [first.kept, second.kept, third.kept] == [False, True, True]


def test_who_asks_at_the_end_has_come_by_every_way():
    assert hoist([change()], {}, frozenset({b"a"})) == {b"a": b"1"}
    assert hoist([change(around=9)], {}, frozenset({b"a"})) == {}
    assert hoist([change(doubts=X)], {}, frozenset({b"a"})) == {}
