import pytest
from builders import HTTP, condition, rule
from fold_words import SMTP, at_run, left, put, when, written

from revproxy.detection.link.fold import fold
from revproxy.detection.link.foldcourse import course_of
from revproxy.detection.link.foldstate import UNKNOWN
from revproxy.detection.link.foldwalk import Walk
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Control,
    Marker,
    Operator,
    RemoveRules,
    RemoveTarget,
    Scope,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.errors import RuleError
from revproxy.model import Phase, Protocol

HEAD, BODY, REPLY_HEAD, REPLY_BODY, LOG = Phase
STORE = SetVariable((b"a",), Assign.SET, (b"1",))


def always(name, *effects, **more):
    return rule(name, Condition((), (), effects=effects), **{"phase": HEAD, "score": 0, "logs": False} | more)


def maybe(name, *effects, **more):
    made = condition(["args"], ("rx", "x"))
    made = Condition(made.targets, made.operators, effects=effects)
    return rule(name, made, **{"phase": HEAD, "score": 0, "logs": False} | more)


def walked(*listed):
    walk = Walk(course_of(listed, lambda rule: rule.phase), {})
    walk.run()
    walk.folder.variables.doubts = frozenset()
    return walk


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        ([always("1", STORE)], True),
        ([maybe("0", skip=1), always("1", STORE), maybe("2")], False),
        ([maybe("0", skip=1), maybe("1"), always("2", STORE)], True),
        ([maybe("0", passes=Scope.PHASE), always("1", STORE), maybe("2", phase=BODY)], False),
        ([maybe("0", passes=Scope.REQUEST), always("1", STORE), maybe("2", phase=BODY)], True),
        ([maybe("0", passes=Scope.TRANSACTION), always("1", STORE), maybe("2", phase=LOG)], False),
        ([always("1", STORE, phase=BODY), maybe("2", phase=LOG)], False),
        ([maybe("0", RemoveRules(Chosen(ids=((1, 1),)))), always("1", STORE), maybe("2")], False),
        ([maybe("0", RemoveRules(Chosen(ids=((9, 9),)))), always("1", STORE), maybe("2")], True),
        ([always("1", STORE), maybe("0", RemoveRules(Chosen(ids=((1, 1),))))], True),
        ([always("1", STORE, phase=REPLY_BODY, logs=True)], False),
        ([always("1", STORE), maybe("2", skip=1, protocols=HTTP | {Protocol.SMTP})], False),
        ([maybe("0", SetControl(Control.ENGINE, "off")), always("1", STORE), maybe("2")], True),
    ],
)
def test_what_is_known_at_the_end(listed, known):
    assert walked(*listed).folder.variables.get(b"a") == (b"1" if known else UNKNOWN)


def test_what_is_done_later_in_a_phase_that_runs_again_may_be_done_already():
    look = rule("1", Condition((Target("tx", b"a"),), (Operator("eq", "1"),)), phase=BODY)
    assert not walked(look, always("2", STORE, phase=BODY)).drafts[0].fails
    assert walked(look, always("2", STORE, phase=LOG)).drafts[0].fails
    remove = maybe("2", RemoveRules(Chosen(ids=((1, 1),))), phase=BODY)
    walk = walked(always("1", STORE, phase=BODY), always("3", phase=BODY), remove)
    assert walk.drafts[0].parts[0].pieces[0].doubts == {Chosen(ids=((1, 1),))}


def test_gates():
    walk = walked(always("1", skip_after="END"), always("2"), Marker("END"), always("3", phase=LOG))
    assert walk.removed == {1: "skipped by 1"}
    assert walk.drafts[0].target == 2
    assert walked(maybe("1", skip=1), always("2")).removed == {}


def test_removal():
    assert walked(always("1", RemoveRules(Chosen(ids=((1, 3),)))), always("3")).removed == {1: "removed by 1"}
    walk = walked(always("1", RemoveRules(Chosen(ids=((3, 3),))), phase=BODY), always("3", phase=BODY))
    assert walk.removed == {}
    assert walk.drafts[0].parts[0].pieces[0].kept
    first = maybe("1", RemoveRules(Chosen(ids=((2, 2),))))
    assert walked(first, always("2", RemoveRules(Chosen(ids=((3, 3),)))), always("3")).removed == {}


def test_variables_that_may_be_lost_as_targets():
    look = rule("1", Condition((Target("tx", b"a"),), (Operator("eq", "1"),)), phase=LOG)
    assert walked(look).drafts[0].fails
    assert not walked(look, maybe("2", RemoveTarget(Chosen(ids=((1, 1),)), "tx", b"b"))).drafts[-1].fails
    assert walked(look, maybe("2", RemoveTarget(Chosen(ids=((1, 1),)), "args"))).drafts[-1].fails


def test_watchers():
    look = rule("2", Condition((Target("matched.one"),), (Operator("rx", "1"),)), phase=BODY)
    walk = walked(always("1"), look, always("3", phase=BODY), always("4", phase=LOG))
    assert [draft.watched for draft in walk.drafts] == [True, True, True, False]
    assert walk.folder.notes
    assert [draft.watched for draft in walked(always("1"), maybe("2")).drafts] == [False, False]


def test_a_choice_that_cannot_be_read():
    with pytest.raises(RuleError, match="rule `1`"):
        walked(maybe("1", RemoveRules(Chosen(tags=("(",)))))


# Through all of folding.


def gates(level):
    return [
        written("0", when("", "", put("level", level))),
        at_run("1", logs=True),
        written("2", when("tx:level", "lt 2"), skip_after="end"),
        written("3", when("tx:level", "lt 2"), phase=BODY, skip_after="END"),
        at_run("4", logs=True),
        at_run("5", logs=True, phase=BODY),
        written("6", when("tx:level", "lt 3"), skip_after="END"),
        at_run("7", logs=True),
        Marker("END"),
        at_run("8", logs=True),
        Marker("END"),
    ]


def test_level_gates_are_carried_out():
    assert left(fold(gates("1"))) == ["1", "8"]
    assert left(fold(gates("2"))) == ["1", "4", "5", "8"]
    assert left(fold(gates("3"))) == ["1", "4", "5", "7", "8"]
    assert fold(gates("1")).removed == {
        "0": "folded",
        "2": "folded",
        "3": "folded",
        "4": "skipped by 2",
        "5": "skipped by 3",
        "6": "skipped by 2",
        "7": "skipped by 2",
    }


def test_a_gate_that_may_be_removed_stands_for_what_is_removed_with_it():
    remove = at_run("r", "args", "rx off", RemoveRules(Chosen(tags=("^crs$",))))
    tagged = [
        remove,
        written("0", when("", "", put("level"))),
        written("1", when("tx:level", "eq 1"), skip_after="END", tags=("crs",)),
        at_run("2", logs=True, tags=("crs", "more")),
        at_run("3", logs=True, tags=("other",)),
        Marker("END"),
    ]
    assert left(fold(tagged)) == ["r", "1", "3"]
    assert left(fold([*tagged[:4], tagged[5]])) == ["r"]


def test_what_a_removed_rule_says_holds_for_those_removed_with_it():
    crs = {"tags": ("crs",)}
    listed = [
        at_run("r", "args", "rx off", RemoveRules(Chosen(tags=("^crs$",)))),
        written("0", when("&tx:level", "eq 0", put("level")), **crs),
        written("1", when("tx:level", "lt 2"), skip_after="END", **crs),
        at_run("2", logs=True, **crs),
        Marker("END"),
        at_run("3", "tx/^lev", "eq %args:a%", logs=True, **crs),
    ]
    folded = fold(listed)
    assert left(folded) == ["r", "3"]
    assert folded.variables == {b"level": b"1"}
    other = at_run("4", "tx/^lev", "eq %args:a%", logs=True)
    assert left(fold([*listed, other])) == ["r", "0", "3", "4"]


def test_a_gate_that_may_be_excluded_stands_for_what_is_excluded_with_it():
    listed = [
        written("0", when("", "", put("level"))),
        written("1", when("tx:level", "eq 1"), skip_after="END"),
        at_run("2", logs=True),
        at_run("3", logs=True),
        Marker("END"),
    ]
    assert left(fold(listed, excluded=[frozenset("012")])) == ["1", "3"]
    assert left(fold(listed, excluded=[frozenset("0123")])) == []
    assert left(fold(listed, excluded=[frozenset("23")])) == []


def test_a_way_into_what_a_gate_passes_over():
    listed = [
        at_run("1", skip_after="MID"),
        written("2", when("", ""), skip_after="END"),
        at_run("3", logs=True),
        Marker("MID"),
        at_run("4", logs=True),
        Marker("END"),
    ]
    assert left(fold(listed)) == ["1", "2", "4"]


def test_a_gate_does_not_stand_before_rules_of_other_protocols():
    both = at_run("2", logs=True, protocols=HTTP | SMTP)
    listed = [written("1", when("", ""), skip_after="END"), both, at_run("3", logs=True), Marker("END")]
    assert left(fold(listed)) == ["1", "2"]
    assert left(fold([written("1", when("", "", RemoveRules(Chosen(ids=((2, 3),))))), both, listed[2]])) == ["1", "2"]


def test_variables_of_one_protocol_say_nothing_of_another():
    listed = [written("1", when("", "", put("a"))), at_run("2", "tx:a", "eq 1", logs=True, protocols=HTTP | SMTP)]
    assert left(fold(listed)) == ["1", "2"]
    assert fold(listed).rules == tuple(listed)


def test_a_certain_removal_is_carried_out():
    listed = [
        at_run("1", logs=True, tags=("t",)),
        written("2", when("", "", RemoveRules(Chosen(ids=((4, 5),), tags=("t",), messages=("^mess",))))),
        at_run("3", logs=True, tags=("t",)),
        at_run("4", logs=True, phase=LOG),
        at_run("6", logs=True),
        at_run("7", logs=True, message="message"),
    ]
    folded = fold(listed)
    assert left(folded) == ["1", "6"]
    assert folded.removed == {"2": "folded", **dict.fromkeys("347", "removed by 2")}


def test_phases_of_long_bodies_may_run_again():
    listed = [
        written("1", when("tx:a", "eq 1"), phase=BODY, logs=True),
        written("2", when("", "", put("a")), phase=BODY),
        written("3", when("tx:a", "eq 1"), phase=REPLY_HEAD, logs=True),
        written("4", when("", "", put("b")), phase=REPLY_HEAD),
        written("5", when("tx:b", "eq 1"), phase=REPLY_HEAD, logs=True),
        written("6", when("tx:b", "eq 1"), phase=LOG, logs=True),
    ]
    folded = fold(listed)
    assert left(folded) == ["1", "2", "3", "4", "5", "6"]
    assert not folded.variables
    assert left(fold(listed[3:5])) == ["5"]
