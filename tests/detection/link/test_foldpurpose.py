from builders import condition, rule
from fold_words import at_run, left, put, when, written

from revproxy.detection.link.fold import fold
from revproxy.detection.link.folddraft import Draft, Part, Piece
from revproxy.detection.link.foldpurpose import purposeful
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Marker,
    Operator,
    Reference,
    RemoveRules,
    SetVariable,
    Target,
)

ARGS = condition(["args"], ("rx", "x"))


def reads(*names):
    return Condition(tuple(Target("tx", n) for n in names), (Operator("eq", "1"),))


def draft(place, made, *effects, face=False, capture=False, **more):
    written = rule(str(place), made, score=0, logs=face)
    if capture:
        made = Condition(made.targets, made.operators, capture=True)
    return Draft(place, written, [Part(made, [Piece(e) for e in effects])], **more)


def store(name, *value):
    return SetVariable((name,), Assign.SET, value or (b"1",))


def live(drafts, *keep):
    return [d.place for d in purposeful(drafts, frozenset(keep))[0]]


def test_a_chain_of_stores_has_the_purpose_of_its_end():
    drafts = [
        draft(0, ARGS, store(b"a")),
        draft(1, reads(b"a"), store(b"b")),
        draft(2, ARGS, store(b"c", Reference("tx", b"b")), store(b"x")),
        draft(3, ARGS, SetVariable((b"d",), Assign.ADD, (b"1",))),
        draft(4, reads(b"c"), face=True),
    ]
    left, purposes = purposeful(drafts, frozenset())
    assert [d.place for d in left] == [0, 1, 2, 4]
    assert [p.kept for p in drafts[2].parts[0].pieces] == [True, False]
    assert purposes.asked(b"a")
    assert not purposes.asked(b"x")
    assert live(drafts[:4]) == []
    assert live(drafts[:4], b"d") == [3]


def test_names_that_are_not_fixed():
    some = SetVariable((b"p_", Reference("args")), Assign.SET, (b"1",))
    drafts = [draft(0, ARGS, some), draft(1, ARGS, store(b"p_1")), draft(2, ARGS, store(b"q"))]
    pattern = Condition((Target("tx", pattern="^p"),), (Operator("eq", "1"),))
    assert live([*drafts, draft(3, pattern, face=True)]) == [0, 1, 3]
    assert live([*drafts, draft(3, reads(b"p_2"), face=True)]) == [0, 3]
    assert live([*drafts, draft(3, reads(b"o"), face=True)]) == [3]


def test_captures():
    drafts = [draft(0, ARGS, capture=True), draft(1, ARGS, face=True, capture=True)]
    assert live(drafts) == [1]
    assert not drafts[1].parts[0].condition.capture
    drafts = [draft(0, ARGS, capture=True), draft(1, reads(b"7"), face=True)]
    assert live(drafts) == [0, 1]


def test_other_effects_are_a_purpose():
    assert live([draft(0, ARGS, RemoveRules(Chosen())), draft(1, ARGS, watched=True), draft(2, ARGS)]) == [0, 1]


def test_jumps_over_nothing():
    drafts = [draft(0, ARGS, target=4), draft(1, ARGS, target=3), draft(2, ARGS), draft(5, ARGS, face=True)]
    assert live(drafts) == [5]
    drafts = [draft(0, ARGS, target=4), draft(1, ARGS, target=3), draft(3, ARGS, face=True)]
    assert live(drafts) == [0, 3]
    drafts = [draft(0, reads(b"a"), target=2), draft(1, ARGS, store(b"b")), draft(2, ARGS, store(b"a"))]
    assert live(drafts) == []


# Through all of folding.


def test_stores_that_nobody_asks_for_go():
    listed = [
        at_run("1", "args", "rx x", put("c"), put("d")),
        at_run("2", "args", "rx y", put("a", "1", "+"), put("b", "%c%"), put("p_%args:x%")),
        at_run("3", "args", "rx z", put("d", "%a%")),
        written("4", when("tx:b", "eq 1"), logs=True),
    ]
    folded = fold(listed)
    assert folded.removed == {"3": "without purpose"}
    assert [[e.name for e in r.conditions[0].effects] for r in folded.rules] == [[(b"c",)], [(b"b",)], []]
    assert left(fold([*listed, at_run("5", "tx/^p", "eq 2", logs=True)])) == ["1", "2", "4", "5"]


def test_a_jump_over_nothing_goes():
    listed = [
        at_run("1", skip_after="END"),
        written("2", when("&tx:a", "eq 1"), logs=True),
        at_run("3", skip=1),
        at_run("4"),
        Marker("END"),
        at_run("5", logs=True),
    ]
    assert left(fold(listed)) == ["5"]
