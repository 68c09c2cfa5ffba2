import pytest
from builders import condition

from revproxy.detection.link.looks import changing, look_of
from revproxy.detection.link.ruleset import Look
from revproxy.detection.rules import Condition, Control, Operator, Reference, Target

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


def test_changing():
    assert changing([Control.FORCE_BODY]) == frozenset()
    assert changing([Control.FORCE_BODY, Control.BODY_PROCESSOR]) == {"body.type"}
