import pytest
from builders import condition, rule

from revproxy.detection.link.captures import captures_matter, last_matters, refers_to_last
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
    ([rule("1", condition([Target("tx", pattern="^x")], ("rx", "a")))], False),
    ([rule("1", condition([Target("tx", pattern=".")], ("rx", "a")))], True),
    ([rule("1", condition([Target("tx.names", pattern="1$")], ("rx", "a")))], True),
    ([rule("1", condition(["tx"], ("rx", "a")))], True),
    ([rule("1", condition(["args"], ("rx", "a")), said=(ONE,))], False),
]


@pytest.mark.parametrize(("rules", "want"), CASES)
def test_captures_matter(rules, want):
    assert captures_matter(rules) is want


LOOKING = condition(["args"], ("rx", "a"))
KEEPING = Condition((), (), effects=(SetVariable((b"x",), Assign.SET, (Reference("matched.one"),)),))
NAMED = Reference("matched.name")
LAST = [
    # Of another rule, at all.
    (rule("1", CAPTURING, READING), False, False),
    (rule("1", LOOKING, data=(NAMED,)), False, True),
    (rule("1", KEEPING), True, True),
    (rule("1", LOOKING, KEEPING), False, True),
    (rule("1", KEEPING, LOOKING), True, True),
    (rule("1", LOOKING, condition(["matched.one"], ("rx", "b"))), False, True),
    (rule("1", condition(["matched.one"], ("rx", "b"))), True, True),
    (rule("1", Condition((Target("path"),), (Operator("rx", "", template=(NAMED,)),))), True, True),
    (rule("1", LOOKING, said=(b"", NAMED)), False, True),
    # The message is filled in when all conditions have matched; some rules accept nothing at all.
    (rule("1", Condition((), ()), LOOKING, said=(b"", NAMED)), False, True),
    (rule("1", Condition((), ()), said=(b"", NAMED)), True, True),
]


@pytest.mark.parametrize(("given", "others", "own"), LAST)
def test_last_matters(given, others, own):
    assert last_matters([rule("0", CAPTURING), given]) is others
    assert refers_to_last(given) is own
