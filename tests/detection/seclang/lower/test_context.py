import pytest

from revproxy.detection.seclang import parse
from revproxy.detection.seclang.lower.context import ERRORS, Context
from revproxy.detection.seclang.lower.errors import Problem
from revproxy.errors import Location, ManyErrors, RuleError

HERE = Location("r.conf", 1, 5)


def context(read=lambda name: b""):
    return Context(parse(b"SecRuleEngine On\n", "r.conf"), read)


def test_errors():
    one = context()
    one.check()
    one.wrong(HERE, "first")
    with pytest.raises(RuleError, match="first") as caught:
        one.check()
    assert "^" in str(caught.value)
    for _ in range(ERRORS * 2):
        one.wrong(HERE, "again")
    with pytest.raises(ManyErrors) as many:
        one.check()
    assert len(many.value.errors) == ERRORS


def test_attempt():
    one = context()

    def fail():
        raise Problem("no", "do")

    assert one.attempt(HERE, lambda: 3) == 3
    assert one.attempt(HERE, fail) is None
    with pytest.raises(RuleError, match="no"):
        one.check()


def test_contents_are_read_once_beside_the_file():
    asked = []
    one = context(lambda name: asked.append(name) or b"x")
    there = Location("folder/r.conf", 1, 1)
    assert one.content(b"a.data", there) == one.content(b"a.data", there) == b"x"
    assert asked == ["folder/a.data"]
