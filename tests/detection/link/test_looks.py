import pytest
from builders import condition

from revproxy.detection.link.looks import REMEMBERED, changing, is_keyed, look_of, scanned_as
from revproxy.detection.link.ruleset import Look
from revproxy.detection.rules import FIELDS, Condition, Control, FieldClass, Operator, Reference, Target

COUNT = Target("headers", key=b"host", count=True)
CASES = [
    (condition(["args"], ("rx", "a")), Look.SCAN),
    (condition(["args"], ("!rx", "a")), None),
    (condition(["headers", "method"], ("!rx", "a")), Look.TRY),
    (condition(["headers", "args"], ("!rx", "a")), None),
    (condition(["client"], ("ipMatch", "10.0.0.0/8")), Look.TRY),
    (condition([COUNT], ("eq", "0")), Look.COUNT),
    (condition([COUNT, Target("headers")], ("eq", "0")), None),
    (condition([Target("args", count=True)], ("gt", "9")), None),
    (condition([Target("tx", key=b"a")], ("eq", "0")), None),
    (condition(["matched"], ("rx", "a")), None),
    (Condition((), ()), None),
    (Condition((Target("path"),), (Operator("streq", template=(Reference("tx", b"a"),)),)), None),
]


@pytest.mark.parametrize(("given", "want"), CASES)
def test_look_of(given, want):
    assert look_of(given) is want


def test_values_that_come_again_are_scanned_together():
    assert {scanned_as(klass) for klass in REMEMBERED} == {FieldClass.HEADER}
    assert {klass: scanned_as(klass) for klass in (FieldClass.TEXT, FieldClass.BODY)} == {
        FieldClass.TEXT: FieldClass.TEXT,
        FieldClass.BODY: FieldClass.BODY,
    }
    assert scanned_as(FIELDS["method"].klass) is scanned_as(FIELDS["headers"].klass)


def test_changing():
    assert changing([Control.FORCE_BODY]) == frozenset()
    assert changing([Control.FORCE_BODY, Control.BODY_PROCESSOR]) == {"body.type"}


def test_is_keyed():
    host, every = Target("headers", key=b"host"), Target("headers")
    others = Target("headers", key=b"te", exclude=True)
    fields = {"headers", "line"}
    assert is_keyed(condition([host, Target("headers", pattern="^x")], ("rx", "a")), fields)
    assert is_keyed(condition([host, "args"], ("rx", "a")), fields)
    assert not is_keyed(condition([host, "line"], ("rx", "a")), fields)
    assert not is_keyed(condition([every, others], ("rx", "a")), fields)
