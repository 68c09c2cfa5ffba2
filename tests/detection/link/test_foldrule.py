from dataclasses import replace

import pytest
from builders import condition, rule
from fold_words import at_run, left, only, put, template, when, written

from revproxy.detection.link.fold import fold
from revproxy.detection.link.foldrule import Read, RuleFolder, Spot, Wrote
from revproxy.detection.link.foldstate import NO_DOUBTS, UNKNOWN, Names, Variables
from revproxy.detection.rules import Assign, Condition, Operator, Reference, Scope, SetVariable, Target

ARGS = condition(["args"], ("rx", "x"))
A, B, MATCHED = Reference("tx", b"a"), Reference("tx", b"b"), Reference("matched.one")
HOLDS = Condition((Target("tx", b"a"),), (Operator("eq", "1"),))
FAILS = Condition((Target("tx", b"a"),), (Operator("eq", "2"),))


def folded(*conditions, spot=None, **more):
    folder = RuleFolder(Variables({b"a": b"1"}))
    return folder, folder.fold(rule("1", *conditions, **{"score": 0, "logs": False} | more), spot or Spot(0))


def store(name, *value, how=Assign.SET):
    return SetVariable(name if isinstance(name, tuple) else (name,), how, value)


def doing(made, *effects):
    return replace(made, effects=effects)


def test_a_sure_effect_is_known_and_can_be_moved():
    folder, draft = folded(doing(HOLDS, store(b"A", A, b"0"), store(b"a", b"2", how=Assign.ADD)), spot=Spot(3, 7))
    assert folder.variables.get(b"a") == b"12"
    first, second = folder.events
    assert (first.name, first.value, first.around, second.value) == (b"a", b"10", 7, b"12")
    assert second.effect == store(b"a", b"12")
    assert draft.fixed
    assert draft.parts[0].bare


def test_what_changes_nothing_goes():
    folder, draft = folded(doing(HOLDS, store(b"a", b"1"), store(b"b", how=Assign.UNSET)))
    assert [piece.kept for piece in draft.parts[0].pieces] == [False, False]
    assert folder.events == []


def test_where_a_rule_may_run_again_changes_stay():
    folder, _ = folded(doing(HOLDS, store(b"b", b"1")), spot=Spot(0, repeated=True))
    assert folder.events == [Wrote(Names(b"b"))]
    assert folder.variables.get(b"b") == b"1"


def test_an_effect_that_may_come_about_makes_unknown():
    folder, draft = folded(doing(ARGS, store(b"b", A), store(b"a", b"1", how=Assign.ADD)))
    assert folder.variables.get(b"a") is folder.variables.get(b"b") is UNKNOWN
    # The second value accepted would find another `a`.
    assert draft.parts[0].pieces[0].effect == store(b"b", A)
    assert folder.events == [
        Read(0, Names(b"a"), NO_DOUBTS),
        Wrote(Names(b"b")),
        Wrote(Names(b"a")),
    ]
    assert not draft.fixed


def test_names_that_are_not_known():
    folder, _ = folded(doing(HOLDS, store((b"x_", Reference("args")), b"1"), store((b"y_", A), b"2")))
    assert folder.variables.get(b"x_9") is UNKNOWN
    assert folder.variables.get(b"y_1") == b"2"
    folder, _ = folded(doing(ARGS, store((b"y_", A), b"2")))
    assert folder.variables.get(b"y_2") is UNKNOWN


def test_captures_are_not_known():
    folder, draft = folded(replace(HOLDS, capture=True))
    assert folder.variables.get(b"9") is UNKNOWN
    assert not draft.parts[0].bare


def test_a_failing_condition_ends_the_rule():
    _, draft = folded(ARGS, FAILS, ARGS)
    assert draft.fails
    assert len(draft.parts) == 1


def test_message_and_data_are_filled_behind_the_last_condition():
    _, draft = folded(doing(HOLDS, store(b"a", b"5")), doing(ARGS, store(b"b", b"1")), said=(A, b"!"), data=(B,))
    assert (draft.said, draft.data) == ((b"5!",), (B,))
    _, draft = folded(HOLDS, doing(HOLDS, store(b"b", b"7")), said=(B,))
    assert draft.said == (b"7",)
    _, draft = folded(doing(ARGS, store(b"b", b"1")), said=(A, B))
    assert draft.said == (b"1", B)


def test_targets_that_may_be_lost_are_not_decided():
    _, draft = folded(FAILS, spot=Spot(0, loses=True))
    assert not draft.fails


FACE = {"logs": True}


@pytest.mark.parametrize(
    ("conditions", "more", "bare"),
    [
        ([HOLDS], {}, True),
        ([replace(HOLDS, capture=True)], {}, False),
        ([doing(HOLDS, store(b"b", MATCHED))], {}, False),
        ([HOLDS, ARGS], {}, True),
        ([HOLDS, Condition((Target("matched"),), (Operator("rx", "1"),))], {}, False),
        ([HOLDS, Condition((Target("args"),), (Operator("rx", template=(MATCHED,)),))], {}, False),
        ([HOLDS, doing(ARGS, store(b"b", MATCHED))], {}, True),
        ([HOLDS], FACE, False),
        ([HOLDS, ARGS], FACE, True),
        ([HOLDS, ARGS], FACE | {"data": (MATCHED,)}, False),
        ([HOLDS, ARGS], FACE | {"said": (B,)}, True),
        ([doing(HOLDS, store(b"b", b"1")), ARGS], FACE, False),
    ],
)
def test_who_looks_at_what_a_condition_accepts(conditions, more, bare):
    _, draft = folded(*conditions, **more)
    assert draft.parts[0].bare is bare
    _, draft = folded(*conditions, **more, spot=Spot(0, watched=True))
    assert not draft.parts[0].bare


def test_the_last_condition_is_the_one_that_message_and_data_tell_of():
    _, draft = folded(ARGS, HOLDS, **FACE, data=(MATCHED,))
    assert [part.bare for part in draft.parts] == [False, False]
    _, draft = folded(ARGS, HOLDS, **FACE, data=(B,))
    assert [part.bare for part in draft.parts] == [False, True]


def test_an_operator_that_cannot_take_it_is_noted():
    folder, _ = folded(
        doing(HOLDS, store(b"a", b"(")), Condition((Target("args"),), (Operator("rx", template=(A,)),))
    )
    assert folder.notes == ["1: an operator cannot take what its variables say, and accepts nothing"]


# Through all of folding.


def test_what_always_holds_goes_from_a_chain():
    held = written(
        "1",
        when("&tx:limit", "eq 1", put("seen", "%limit%")),
        when("args", "rx x", put("score", "%limit%", "+")),
        when("tx:limit", "eq 7"),
        passes=Scope.PHASE,
    )
    folded = fold([held], {b"limit": b"7"}, frozenset({b"score", b"seen"}))
    (condition,) = only(folded).conditions
    assert condition.effects == (SetVariable((b"score",), Assign.ADD, (b"7",)),)
    assert folded.variables == {b"seen": b"7"}
    logged = written("1", when("&tx:limit", "eq 1"), when("args", "eq %limit%"), when("tx:limit"), logs=True)
    assert only(fold([logged], {b"limit": b"7"})).conditions == (when("args", "eq 7"),)


def test_what_never_holds_leaves_the_effects_before_it():
    failing = written(
        "1", when("args", "rx x", put("a")), when("args"), when("&tx:b", "eq 1"), when("args"), logs=True
    )
    folded = fold([failing], keep=frozenset({b"a"}))
    assert only(folded).conditions == failing.conditions[:1]
    assert not only(folded).logs
    assert fold([failing]).removed == {"1": "never"}


def test_a_condition_that_is_looked_at_stays():
    asked = [
        written("1", when("tx:a", "eq 1"), when("matched", "rx 1"), when("args"), logs=True),
        written("1", when("args"), when("tx:a", "eq 1"), when("args", "rx %matched.one%"), logs=True),
        written("1", when("tx:a", "eq 1", capture=True), when("args"), logs=True, data=template("%0%")),
        written("1", when("tx:a", "eq 1"), when("args"), logs=True, data=template("%matched.name%")),
        written("1", when("tx:a", "eq 1"), logs=True),
    ]
    for one in asked:
        assert only(fold([one], {b"a": b"1"})).conditions == one.conditions


def test_a_later_look_at_what_was_accepted_keeps_all_before():
    listed = [
        written("1", when("tx:a", "eq 1")),
        at_run("2", "matched.one", "rx 1", logs=True),
        written("3", when("tx:a")),
    ]
    folded = fold(listed, {b"a": b"1"})
    assert left(folded) == ["1", "2"]
    assert folded.notes


def test_a_template_that_makes_no_operator_accepts_nothing():
    folded = fold([at_run("1", "args", "!rx %a%", logs=True)], {b"a": b"("})
    assert only(folded).conditions[0].operators == (Operator("noMatch"),)
    assert folded.notes
