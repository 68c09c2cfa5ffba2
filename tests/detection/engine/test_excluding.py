import pytest
from builders import condition, rule, simple, transaction

from revproxy.detection.engine import Engine
from revproxy.detection.engine.excluding import Excluding
from revproxy.detection.engine.state import State
from revproxy.detection.link import link
from revproxy.detection.rules import Assign, Condition, Exclusion, Operator, Reference, SetVariable, Target
from revproxy.model import Phase

RULES = [
    simple("1", "attack", "args", "headers"),
    simple("2", "attack"),
    rule("3", condition(["args"], ("rx", "attack")), condition(["cookies"], ("rx", "attack"))),
]
ATTACK = {
    "args": {b"q": b"attack", b"x-1": b"attack"},
    "headers": {b"referer": b"attack"},
    "cookies": {b"c": b"attack"},
}


def out(*rules, **targets):
    return Exclusion(frozenset(rules), tuple(Target(field, **more) for field, more in targets.items()))


@pytest.mark.parametrize(
    ("excluded", "found"),
    [
        ((), ["1", "2", "3"]),
        ((out("2"),), ["1", "3"]),
        ((out("2"), out("1", "9")), ["3"]),
        ((out("1", "2", args={}),), ["1", "3"]),
        ((out("2", args={"key": b"q"}),), ["1", "2", "3"]),
        ((out("2", args={"key": b"q"}), out("2", args={"pattern": "^x-"})), ["1", "3"]),
        ((out("3", cookies={"key": b"C"}),), ["1", "2"]),
        ((out("1", args={}, headers={"key": b"referer"}),), ["2", "3"]),
    ],
)
def test_rules_and_fields(excluded, found):
    engine = Engine(link(RULES))
    for _ in range(2):
        tx = transaction(**ATTACK)
        tx.excluded = excluded
        engine.inspect(tx, Phase.HEAD, Phase.BODY)
        assert [f.rule for f in tx.findings] == found
    plain = transaction(**ATTACK)
    engine.inspect(plain, Phase.HEAD, Phase.BODY)
    assert len(plain.findings) == 3


def test_what_was_worked_out_is_kept_and_never_changed():
    excluding, excluded = Excluding(RULES), (out("1"), out("2", args={}))
    states = [State({}) for _ in range(3)]
    for state in states:
        excluding.put(excluded, state)
        state.removed.add(7)
        state.lost.append((frozenset(), None))
    assert [s.removed for s in states] == [{0, 7}] * 3
    assert [len(s.lost) for s in states] == [2] * 3
    assert not states[0].touched


def test_rules_by_names_of_header_fields():
    """What is remembered of a set of names holds for rules that look at all of them."""
    listed = Condition(
        (Target("headers.names"),),
        (Operator("rx", "^.*$"),),
        capture=True,
        effects=(SetVariable((b"name_", Reference("tx", b"0")), Assign.SET, (Reference("tx", b"0"),)),),
    )
    names = rule("1", listed, condition([Target("tx", key=b"none")], ("rx", ".")), phase=Phase.HEAD)
    seen = rule("2", condition([Target("tx", key=b"name_x")], ("rx", ".")), phase=Phase.HEAD)
    engine = Engine(link([names, seen]))
    lost = Exclusion(frozenset("1"), (Target("headers.names", b"x"),))
    for excluded in ((), (lost,), (), (lost,)):
        tx = transaction(headers={b"x": b"1", b"y": b"1"})
        tx.excluded = excluded
        engine.inspect(tx, Phase.HEAD, Phase.BODY)
        assert [f.rule for f in tx.findings] == ([] if excluded else ["2"])
