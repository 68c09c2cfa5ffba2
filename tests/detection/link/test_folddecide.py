from dataclasses import replace

import pytest

from revproxy.detection.link.folddecide import NEVER, Outcome, decide, settled
from revproxy.detection.link.foldstate import Names, Variables
from revproxy.detection.rules import Assign, Condition, Operator, Reference, SetVariable, Target

HOLDS, FAILS, OPEN = Outcome
A, B, OFF, GONE = (Target("tx", name) for name in (b"A", b"b", b"off", b"gone"))
ONE, TWO, ANY = Operator("eq", "1"), Operator("eq", "2"), Operator("unconditionalMatch")
STORE = (SetVariable((b"x",), Assign.SET, (b"1",)),)


def known():
    variables = Variables({b"a": b"1", b"b": b"Two"})
    variables.blur(Names(b"gone"))
    return variables


def asks(name, key, negated=False):
    return Operator(name, negated=negated, template=(Reference("tx", key),))


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        (Condition((), ()), HOLDS),
        (Condition((A,), (ONE,)), HOLDS),
        (Condition((A,), (TWO,)), FAILS),
        (Condition((A,), (Operator("eq", "1", True),)), FAILS),
        (Condition((A,), (TWO, ONE)), HOLDS),
        (Condition((A,), ()), FAILS),
        (Condition((OFF,), (ANY,)), FAILS),
        (Condition((OFF,), (Operator("eq", "7", True),)), FAILS),
        (Condition((GONE,), (ANY,)), OPEN),
        (Condition((A, GONE), (ONE,)), OPEN),
        (Condition((A, Target("args")), (ONE,)), OPEN),
        (Condition((Target("tx", pattern="^a$"),), (ONE,)), OPEN),
        (Condition((Target("tx"),), (ONE,)), OPEN),
        (Condition((A, replace(A, exclude=True)), (ONE,)), OPEN),
        (Condition((A, Target("args", exclude=True)), (ONE,)), HOLDS),
        (Condition((Target("args", exclude=True),), ()), HOLDS),
        (Condition((replace(A, count=True),), (ONE,)), HOLDS),
        (Condition((replace(OFF, count=True),), (Operator("eq", "0"),)), HOLDS),
        (Condition((replace(GONE, count=True),), (ONE,)), OPEN),
        (Condition((B,), (Operator("streq", "two"),), ("lowercase",)), HOLDS),
        (Condition((B,), (Operator("streq", "Two"),), ("lowercase",)), FAILS),
        (Condition((B,), (Operator("streq", "Two"),), ("lowercase",), every_step=True), HOLDS),
        (Condition((B,), (Operator("rx", "^t"),), ("lowercase", "length")), FAILS),
        (Condition((B,), (Operator("rx", "^t"),), ("melt",)), OPEN),
        (Condition((A,), (Operator("smell"),)), OPEN),
        (Condition((A,), (Operator("rx", "("),)), OPEN),
        (Condition((A,), (asks("lt", b"b"),)), FAILS),
        (Condition((A,), (asks("eq", b"a"),)), HOLDS),
        (Condition((A,), (asks("eq", b"gone"),)), OPEN),
        (Condition((OFF,), (asks("eq", b"gone"),)), FAILS),
        (Condition((A,), (ONE,), effects=STORE), HOLDS),
        (Condition((A, B), (ONE,), effects=STORE), OPEN),
        (Condition((A, B), (TWO,), effects=STORE), FAILS),
        (Condition((B,), (ANY,), ("lowercase",), every_step=True, effects=STORE), OPEN),
    ],
)
def test_decide(condition, outcome):
    assert decide(condition, known()) is outcome


def test_settled():
    late, open_, plain = asks("streq", b"b", True), asks("streq", b"gone"), Operator("rx", "x")
    condition = Condition((A,), (open_, late, plain))
    assert settled(condition, known()) == (plain, Operator("streq", "Two", True), open_)
    # Which one captures is decided by the order in which they are tried: templates last.
    filled = replace(late, template=(b"Two",))
    assert settled(replace(condition, capture=True), known()) == (plain, open_, filled)
    assert settled(Condition((A,), (late, plain), capture=True), known())[1] == Operator("streq", "Two", True)


def test_what_an_operator_cannot_take():
    variables = Variables({b"b": b"(", b"raw": b"\xff"})
    assert settled(Condition((A,), (asks("rx", b"b", True),)), variables) == (NEVER,)
    assert settled(Condition((A,), (asks("smell", b"b"),)), variables) == (Operator("smell", "("),)
    assert settled(Condition((A,), (asks("streq", b"raw"),)), variables) == (Operator("streq", "\udcff"),)
