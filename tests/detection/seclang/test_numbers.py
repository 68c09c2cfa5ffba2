"""Numbers and ids."""

import pytest

from revproxy.detection.seclang.numbers import ids, number, rule_id
from revproxy.detection.seclang.source import Log
from revproxy.detection.seclang.tree import Text
from revproxy.errors import Location


def text(value):
    return Text(value, Location("f", 1, 5))


@pytest.mark.parametrize(("value", "found"), [(b"0", 0), (b"007", 7), (b"10", 10)])
def test_number(value, found):
    assert number(text(value), 0, 10, Log()) == found


@pytest.mark.parametrize("value", [b"", b"11", b"-1", b"1 ", b"+1", b"1\n", b"\xb2", b"9" * 19, "٣".encode()])
def test_no_number(value):
    log = Log()
    assert number(text(value), 0, 10, log) is None
    assert log.errors[0].message == "a whole number from 0 to 10 must stand here"


@pytest.mark.parametrize(("value", "found"), [(b"1", 1), (b"999999999999999999", 10**18 - 1)])
def test_id(value, found):
    assert rule_id(text(value), Log()) == found


@pytest.mark.parametrize("value", [b"", b"0", b"01", b"a", b"-1", b"1" * 19])
def test_no_id(value):
    log = Log()
    assert rule_id(text(value), log) is None
    assert "is no id" in log.errors[0].message


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"1", [(1, 1)]),
        (b"1 2,3", [(1, 1), (2, 2), (3, 3)]),
        (b"1-5, 7-7", [(1, 5), (7, 7)]),
    ],
)
def test_ids(value, found):
    log = Log()
    assert [(each.first, each.last) for each in ids(text(value), log)] == found
    assert not log.errors


@pytest.mark.parametrize(
    ("value", "column"), [(b"", 5), (b" , ", 5), (b"x", 5), (b"1 x", 7), (b"5-1", 5), (b"1-", 5), (b"1-2-3", 5)]
)
def test_no_ids(value, column):
    log = Log()
    ids(text(value), log)
    [error] = log.errors
    assert error.where.column == column
