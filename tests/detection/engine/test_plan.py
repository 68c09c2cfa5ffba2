from builders import BOTH, condition, rule, simple

from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.plan import Planner, present
from revproxy.detection.link import link
from revproxy.detection.rules import Target
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
    assert [s.sources for s in got.scans] == [(), (("path", False),)]
    assert [[c.field for c in s.counts] for s in got.scans] == [["headers"], []]
    assert got.always == ()


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
