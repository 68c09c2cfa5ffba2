"""Running rules in order: what keeps one from running, and where it goes on."""

from builders import BOTH, HTTP, condition, rule, transaction

from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.running import Place, Runner
from revproxy.detection.engine.state import Scene, State
from revproxy.detection.link import link
from revproxy.detection.link.chosen import Chooser
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Control,
    Marker,
    RemoveRules,
    Scope,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.model import Phase, Protocol

QUIET = {"logs": False, "score": 0}


def always(name, *effects, phase=Phase.HEAD, **more):
    return rule(name, Condition((), (), effects=effects), phase=phase, **more)


class Running:
    """A set of rules and one transaction."""

    def __init__(self, *listed, idle=(), detects=False):
        self.ruleset = link(listed, detects=detects)
        rules = self.ruleset.rules
        programs = [Program(r, at, Chooser(rules)) for at, r in enumerate(rules)]
        self.runner = Runner(self.ruleset, programs, frozenset(idle))
        self.state = State({})
        self.place = Place()

    def run(self, *rules, known=(), protocol=Protocol.HTTP):
        """Ids of what matched."""
        scene = Scene(b"t", transaction(protocol, method=[b"GET"]).fields, self.state)
        rules = rules or range(len(self.ruleset.rules))
        self.place, self.fired = self.runner.run(rules, protocol, scene, self.place, known)
        return [self.ruleset.rules[fired.at].id for fired in self.fired]


def test_what_matches_in_order():
    no = rule("no", condition(["method"], ("rx", "POST")), phase=Phase.HEAD)
    yes = rule("yes", condition(["method"], ("rx", "G(.)")), phase=Phase.HEAD)
    running = Running(no, yes, always("all"))
    assert running.run() == ["yes", "all"]
    assert running.run(2, 1) == ["all", "yes"]
    assert [(f.at, f.phase, f.hit.value) for f in running.fired] == [(2, Phase.HEAD, b""), (1, Phase.HEAD, b"GET")]
    assert running.place == Place()


def test_what_is_known_removed_or_idle_does_not_run():
    first = always("1", RemoveRules(Chosen(ids=((2, 2),))))
    running = Running(first, always("2"), always("3"), always("4"), idle=[0, 3])
    assert running.run(known={"3"}) == ["2"]
    running.state.touched = True
    assert running.run(known={"3"}) == ["1", "4"]
    assert running.run(1, 2) == ["3"]


def test_a_jump_is_taken_in_its_phase_only_and_goes_on_in_the_next_run():
    rules = [
        always("jump", skip_after="END"),
        always("over"),
        always("later", phase=Phase.BODY),
        Marker("END"),
        always("behind"),
    ]
    running = Running(*rules)
    assert running.run(0) == ["jump"]
    assert running.place == Place(Phase.HEAD, 3)
    assert running.run(1, 3, 2) == ["behind", "later"]
    running.place = Place()
    assert running.run(1) == ["over"]


def test_a_rule_that_lets_pass_ends_phases():
    for scope, want in [
        (Scope.PHASE, ["pass", "body", "reply", "log"]),
        (Scope.REQUEST, ["pass", "reply", "log"]),
        (Scope.TRANSACTION, ["pass", "log"]),
    ]:
        rest = [always("body", phase=Phase.BODY), always("reply", phase=Phase.REPLY_HEAD)]
        running = Running(always("pass", passes=scope), always("over"), *rest, always("log", phase=Phase.LOG))
        assert running.run() == want
        assert running.state.touched
        assert running.state.mark is None


def test_whether_rules_only_detect_is_told_with_what_they_found():
    running = Running(always("1"), always("2", SetControl(Control.ENGINE, "detect")), always("3"))
    running.run()
    assert [fired.detects for fired in running.fired] == [False, True, True]
    running = Running(always("1"), detects=True)
    running.run()
    assert [fired.detects for fired in running.fired] == [True]


def test_the_phase_is_that_of_the_protocol():
    running = Running(rule("1", condition([Target("headers", count=True)], ("eq", "0")), phase=Phase.HEAD,
                           protocols=BOTH))  # fmt: skip
    phases = []
    for protocol in (Protocol.HTTP, Protocol.SMTP):
        running.run(protocol=protocol)
        phases += [fired.phase for fired in running.fired]
    assert phases == [Phase.HEAD, Phase.BODY]


def test_what_one_leaves_the_next_one_sees():
    add = SetVariable((b"score",), Assign.ADD, (b"3",))
    high = rule("high", condition([Target("tx", key=b"score")], ("ge", "5")), phase=Phase.HEAD, protocols=HTTP)
    running = Running(always("1", add, **QUIET), high, always("2", add, **QUIET))
    assert running.run() == ["1", "2"]
    assert running.run(1) == ["high"]
