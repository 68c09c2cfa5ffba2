from builders import BOTH, condition, rule, simple, transaction

from revproxy.detection.engine import Engine
from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.plan import Planner, present
from revproxy.detection.link import link
from revproxy.detection.rules import Assign, Chosen, Condition, Operator, RemoveTarget, SetVariable, Target
from revproxy.model import Phase, Protocol

RULES = [
    simple("late", "a", "args.names"),
    simple("early", "a", "path", phase=Phase.HEAD),
    rule("number", condition(["body.length"], ("gt", "5"))),
    rule(
        "missing",
        condition([Target("headers", key=b"host", count=True)], ("eq", "0")),
        protocols=BOTH,
        phase=Phase.HEAD,
    ),
]
PLANNER = Planner(link(RULES), [Program(r) for r in RULES])


def plan(fields, first=Phase.HEAD, last=Phase.BODY, protocol=Protocol.HTTP):
    return PLANNER.plan(protocol, first, last, frozenset(fields))


def test_order_is_phase_then_file():
    assert list(plan(["args", "path", "body.length"]).order) == [1, 3, 0, 2]


def test_fields_that_are_missing_leave_rules_out():
    got = plan(["path"])
    assert list(got.order) == [1, 3]
    assert [s.sources for s in got.scans] == [(("path", False),)]
    assert [[c.field for c in s.counts] for s in got.scans] == [["headers"]]
    assert got.always == ()


def test_only_items_whose_fields_are_there_are_wanted():
    rules = [simple("a", "a", "path"), simple("b", "b", "headers")]
    planner = Planner(link(rules), [Program(r) for r in rules])
    for filled, want in (({"path"}, 0b01), ({"headers"}, 0b10), ({"path", "headers"}, 0b11)):
        (scan,) = planner.plan(Protocol.HTTP, Phase.HEAD, Phase.BODY, frozenset(filled)).scans
        assert scan.items == want


def test_an_item_follows_what_an_earlier_scan_has_to_hit():
    chained = rule("chained", condition(["args"], ("rx", "foo")), condition(["headers"], ("rx", "bar")))
    alone = simple("alone", "bar", "headers")
    rules = [chained, alone]
    ruleset = link(rules)
    planner = Planner(ruleset, [Program(r) for r in rules])
    first, second = planner.plan(Protocol.HTTP, Phase.HEAD, Phase.BODY, frozenset({"args", "headers"})).scans
    assert (first.sources, first.follows) == ((("args", False),), ())
    assert (second.sources, second.follows) == ((("headers", False),), (((0, 0), 0b01),))
    seen = []
    engine = Engine(ruleset)
    engine._recalls = [None] * len(engine._scans)
    scan = engine._scans[second.group]
    engine._scans[second.group] = lambda values, wanted: seen.append(wanted) or scan(values, wanted)
    for value, found in ((b"foo", ["chained", "alone"]), (b"x", ["alone"])):
        tx = transaction(args={b"k": value}, headers={b"h": b"bar"})
        engine.inspect(tx, Phase.HEAD, Phase.BODY)
        assert [f.rule for f in tx.findings] == found
    assert seen == [0b11, 0b10]


def test_an_item_follows_nothing_without_which_its_rule_may_do_something():
    """The first condition has an effect, whatever the second one finds; a field may be in a scan that is still to
    come; and of what is counted there may be less later on."""
    score = SetVariable((b"score",), Assign.ADD, (b"5",))
    first = Condition((Target("method"),), (Operator("rx", "foo"),), effects=(score,))
    rules = [
        rule("effect", first, condition(["args"], ("rx", "foo"))),
        rule("either", condition(["args", "method"], ("rx", "foo")), condition(["method"], ("rx", "o"))),
        rule("loses", Condition((), (), effects=(RemoveTarget(Chosen(tags=("^l$",)), "headers", b"te"),))),
        rule("fewer", condition([Target("headers", key=b"te", count=True)], ("eq", "0")), tags=("l",)),
    ]
    ruleset = link(rules)
    planner = Planner(ruleset, [Program(r) for r in rules])
    plan = planner.plan(Protocol.HTTP, Phase.HEAD, Phase.BODY, frozenset({"args", "method", "headers"}))
    assert [scan.follows for scan in plan.scans] == [(), ()]
    assert plan.always == (2, 3)
    tx = transaction(method=[b"foo"], args={b"k": b"x"}, headers={b"te": b"x"})
    Engine(ruleset).inspect(tx, Phase.HEAD, Phase.BODY)
    assert [f.rule for f in tx.findings] == ["either", "loses", "fewer"]
    assert tx.state.variables == {b"score": b"5"}


def test_what_depends_on_variables_always_runs():
    rules = [*RULES, rule("variable", condition([Target("tx", key=b"score")], ("ge", "5")))]
    planner = Planner(link(rules), [Program(r) for r in rules])
    assert planner.plan(Protocol.HTTP, Phase.HEAD, Phase.BODY, frozenset({"path"})).always == (4,)


def test_names_come_from_their_field():
    assert [s.sources for s in plan(["args"], Phase.BODY).scans] == [(("args", True),)]
    assert present({"args"}, "args.names")
    assert not present({"path"}, "args.names")
    assert present({"archive.names"}, "archive.names")


def test_other_phases_and_protocols_are_left_out():
    assert list(plan(["args", "path"], Phase.REPLY_HEAD, Phase.LOG).order) == []
    assert list(plan(["headers"], Phase.HEAD, Phase.BODY, Protocol.SMTP).order) == [3]
    assert list(plan(["headers"], Phase.HEAD, Phase.HEAD, Protocol.SMTP).order) == []
