import pytest
from builders import condition, rule

from revproxy.detection.link.captures import captures_matter
from revproxy.detection.rules import Assign, Condition, Operator, Reference, SetVariable, Target

ONE = Reference("tx", b"1")
CAPTURING = Condition((Target("args"),), (Operator("rx", "(a)"),), capture=True)
READING = condition([Target("tx", key=b"1")], ("rx", "a"))
CASES = [
    ([rule("1", CAPTURING)], False),
    ([rule("1", CAPTURING, READING)], False),
    ([rule("1", READING)], True),
    ([rule("1", READING, CAPTURING)], True),
    ([rule("1", CAPTURING), rule("2", Condition((Target("args"),), (Operator("streq", template=(ONE,)),)))], True),
    ([rule("1", Condition((), (), effects=(SetVariable((b"x",), Assign.SET, (ONE,)),)))], True),
    ([rule("1", condition([Target("tx", pattern="^x")], ("rx", "a")))], True),
    ([rule("1", condition(["args"], ("rx", "a")), said=(ONE,))], False),
]


@pytest.mark.parametrize(("rules", "want"), CASES)
def test_captures_matter(rules, want):
    assert captures_matter(rules) is want
