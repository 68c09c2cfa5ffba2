import pytest
from builders import HTTP, condition, rule

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
