import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.link.foldstate import (
    EVERY,
    UNKNOWN,
    Names,
    Variables,
    assigned,
    fill,
    names_of,
    read_by,
)
from revproxy.detection.rules import Assign, Reference

A, B = Reference("tx", b"a"), Reference("tx", b"b")


def test_names():
    assert Names(b"a").has(b"a")
    assert not Names(b"a").has(b"ab")
    assert Names(prefix=b"a").has(b"ab")
    assert Names(pattern="^A.").has(b"ab")
    assert not Names(pattern="^a.").has(b"ba")
    assert Names(pattern="(").has(b"anything")


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (Names(b"a"), Names(b"a"), True),
        (Names(b"a"), Names(b"b"), False),
        (Names(b"ab"), Names(prefix=b"a"), True),
        (Names(b"b"), Names(pattern="a"), False),
        (Names(prefix=b"a"), Names(prefix=b"ab"), True),
        (Names(prefix=b"a"), Names(prefix=b"b"), False),
        (Names(prefix=b"a"), Names(pattern="^b"), True),
        (EVERY, Names(prefix=b"b"), True),
    ],
)
def test_meets(one, other, meet):
    assert one.meets(other) is meet
    assert other.meets(one) is meet


def test_what_is_known():
    variables = Variables({b"A": b"1"})
    assert (variables.get(b"a"), variables.get(b"b")) == (b"1", None)
    variables.put(b"b", b"2", 3)
    variables.put(b"a", None, 4)
    assert (variables.get(b"a"), variables.get(b"b")) == (None, b"2")
    variables.blur_since(4)
    assert variables.get(b"a") is None
    variables.blur_since(3)
    assert (variables.get(b"a"), variables.get(b"b")) == (UNKNOWN, b"2")
    variables.blur(Names(prefix=b"b"))
    assert variables.get(b"b") is variables.get(b"bc") is UNKNOWN
    variables.put(b"bc", b"3", 5)
    assert (variables.get(b"bc"), variables.get(b"c")) == (b"3", None)
    variables.blur(EVERY)
    assert variables.get(b"bc") is variables.get(b"c") is UNKNOWN


def test_what_is_known_in_doubt():
    variables = Variables({})
    variables.doubts = frozenset({"x"})
    variables.put(b"a", b"1", 0)
    assert variables.get(b"a") == b"1"
    variables.doubts = frozenset({"x", "y"})
    assert variables.get(b"a") == b"1"
    variables.doubts = frozenset({"y"})
    assert variables.get(b"a") is UNKNOWN


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"ab"]), st.sampled_from([b"1", None, UNKNOWN]))), st.integers()
)
def test_changes_are_taken_back_from_the_last_one_on(changes, since):
    variables, want = Variables({}), {}
    for place, (name, value) in enumerate(changes):
        if value is UNKNOWN:
            variables.blur(Names(name))
        else:
            variables.put(name, value, place)
        want[name] = UNKNOWN if place > since else value
    variables.blur_since(since)
    assert {name: variables.get(name) for name in want} == want


@pytest.mark.parametrize(
    ("before", "how", "value", "after"),
    [
        (None, Assign.SET, b"x", b"x"),
        (b"1", Assign.UNSET, b"", None),
        (None, Assign.ADD, b"2", b"2"),
        (b"3 x", Assign.ADD, b"x", b"3"),
        (b"3", Assign.SUBTRACT, b"5", b"-2"),
    ],
)
def test_assigned(before, how, value, after):
    assert assigned(before, how, value) == after


def test_templates():
    variables = Variables({b"a": b"1"})
    variables.blur(Names(b"b"))
    path = Reference("path")
    assert fill((b"x", A, b"y", Reference("tx", b"none"), B, path), variables) == (b"x1y", B, path)
    assert fill((), variables) == ()
    assert names_of((b"Ab",)) == Names(b"ab")
    assert names_of(()) == Names(b"")
    assert names_of((b"P_", B)) == Names(prefix=b"p_")
    assert names_of((B, b"x")) == EVERY
    assert list(read_by((b"x", A, path, Reference("tx.names")))) == [Names(b"a"), EVERY]
