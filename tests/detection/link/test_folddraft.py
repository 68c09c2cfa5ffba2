from builders import condition, rule

from revproxy.detection.link.folddraft import Draft, Part, Piece, has_face, looked_at, tells
from revproxy.detection.link.foldstate import EVERY, Names
from revproxy.detection.rules import Assign, Condition, Operator, Reference, SetVariable, Target
from revproxy.model import Action

ADD = SetVariable((b"a",), Assign.ADD, (Reference("tx", b"b"),))
SET = SetVariable((b"P_", Reference("tx", b"c")), Assign.SET, (b"1",))
ARGS = condition(["args"], ("rx", "x"))
DENIES = {"action": Action.DENY, "score": 0, "logs": False}
QUIET = {"score": 0, "logs": False}


def test_what_pieces_and_parts_ask_for():
    assert list(Piece(ADD).reads()) == [Names(b"b")]
    assert list(Piece(SET).reads()) == [Names(b"c")]
    asking = Condition((Target("tx", b"A"), Target("args")), (Operator("rx", template=(Reference("tx", b"d"),)),))
    assert list(Part(asking).reads()) == [Names(b"a"), Names(b"d")]
    assert list(Part(asking, bare=True).reads()) == []


def test_looked_at():
    assert looked_at(Target("tx", b"Ab")) == Names(b"ab")
    assert looked_at(Target("tx", pattern="^a")) == Names(pattern="^a")
    assert looked_at(Target("tx")) == looked_at(Target("tx.names", b"a")) == EVERY
    assert looked_at(Target("args")) is None


def test_faces():
    assert has_face(rule("1", ARGS, score=0))
    assert has_face(rule("1", ARGS, logs=False))
    assert has_face(rule("1", ARGS, **DENIES))
    assert not has_face(rule("1", ARGS, **QUIET))
    assert tells([(b"x", Reference("tx", b"a"))], frozenset({"tx"}))
    assert not tells([(b"x", Reference("args"))], frozenset({"tx"}))


def test_what_is_left_of_a_rule():
    made = rule("1", ARGS, ARGS)
    assert Draft(0, made, [Part(ARGS), Part(ARGS)]).rebuilt() is made
    held = Part(ARGS, bare=True)
    assert Draft(0, made, [held, Part(ARGS)]).rebuilt().conditions == (ARGS,)
    assert Draft(0, made, [held, held]).rebuilt().conditions == (Condition((), ()),)
    doing = Part(ARGS, [Piece(ADD), Piece(SET, kept=False)], bare=True)
    assert Draft(0, made, [doing, held]).rebuilt().conditions == (Condition((), (), effects=(ADD,)),)
    assert Draft(0, rule("1"), []).rebuilt().conditions == ()


def test_a_rule_that_fails_has_no_face():
    made = rule("1", ARGS, ARGS, **DENIES | {"logs": True, "said": (b"x",), "skip_after": "END"})
    doing = Part(ARGS, [Piece(ADD)])
    left = Draft(0, made, [doing, Part(ARGS)], said=(b"x",), fails=True).rebuilt()
    assert (left.logs, left.action, left.said, left.skip_after, left.score) == (False, Action.ALLOW, (), "", 0)
    assert [c.effects for c in left.conditions] == [(ADD,)]


def test_conditions_behind_the_last_effect_go_with_the_face():
    made = rule("1", ARGS, ARGS, ARGS, **QUIET)
    doing = Part(ARGS, [Piece(ADD)])
    assert len(Draft(0, made, [Part(ARGS), doing, Part(ARGS)]).rebuilt().conditions) == 2
    assert len(Draft(0, made, [Part(ARGS), doing, Part(ARGS)], target=9).rebuilt().conditions) == 3
    assert len(Draft(0, made, [Part(ARGS), doing, Part(ARGS)], watched=True).rebuilt().conditions) == 3


def test_reasons():
    made = rule("1", ARGS)
    assert Draft(0, made, fails=True).reason() == "never"
    assert Draft(0, made).reason() == "folded"
    assert Draft(0, made, fixed=False).reason() == "without purpose"
