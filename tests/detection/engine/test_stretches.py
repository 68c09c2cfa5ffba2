"""What is remembered of stretches of rules is what running them leaves."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from builders import BOTH, condition, transaction
from builders import rule as make

from revproxy.detection.engine import Engine
from revproxy.detection.engine import effects as carried_out
from revproxy.detection.engine import stretches as module
from revproxy.detection.engine.executor import Program
from revproxy.detection.link import link
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Control,
    Marker,
    Operator,
    Reference,
    RemoveRules,
    RemoveTarget,
    Scope,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.model import Phase, Protocol

QUIET = {"logs": False, "score": 0}
TOUCHING = condition([Target("args")], ("!streq", ""))
"""Never remembered."""


def rule(name, *parts, phase=Phase.BODY, **more):
    return make(name, *parts, phase=phase, **more)


def setting(name, *value, how=Assign.SET):
    return SetVariable(name if isinstance(name, tuple) else (name,), how, value)


def doing(*done, targets=(), operator=None, **more):
    return Condition(targets, (operator,) if operator else (), effects=done, **more)


def request(*headers, method=b"GET", protocol=Protocol.HTTP, **fields):
    """Header fields `name=value`; other fields by name."""
    table = dict(h.encode().partition(b"=")[::2] for h in headers)
    if protocol is Protocol.HTTP:
        fields = {"method": [method], "path": [b"/"], **fields}
    return transaction(protocol, headers=table, **fields)


def inspected(engine, tx):
    """Everything that the inspection leaves."""
    for phase in (Phase.HEAD, Phase.BODY, Phase.LOG):
        engine.inspect(tx, phase, phase)
    return everything(tx)


def everything(tx):
    state = tx.state
    left = None
    if state is not None:
        lost = [(rules, what.field) for rules, what in state.lost]
        left = (list(state.variables.items()), state.removed, lost, state.controls, state.over, state.touched)
    return tx.findings, tx.scores, tx.silent, tx.controls, left


class Both:
    """One engine that remembers, held against a new one for each transaction."""

    def __init__(self, *listed, **variables):
        self.ruleset = link(listed, variables={k.encode(): v for k, v in variables.items()})
        self.engine = Engine(self.ruleset)

    def __call__(self, *args, **fields):
        """Ids of what was found."""
        ours, theirs = request(*args, **fields), request(*args, **fields)
        assert inspected(self.engine, ours) == inspected(Engine(self.ruleset), theirs)
        return [f.rule for f in ours.findings]


@pytest.fixture
def runs(monkeypatch):
    """Ids of rules that ran."""
    ran = []
    run = Program.run
    monkeypatch.setattr(Program, "run", lambda self, scene: ran.append(self.rule.id) or run(self, scene))
    return ran


LISTED = doing(
    setting((b"name_", Reference("tx", b"0")), b"/", Reference("tx", b"0"), b"/"),
    targets=(Target("headers.names"),),
    operator=Operator("rx", "^.*$"),
    capture=True,
)
FORBIDDEN = condition([Target("tx", pattern="^name_")], ("within", "/proxy/ /te/"))
READER = condition([Target("tx", key=b"name_x-seen")], ("rx", "."))


def test_a_rule_by_names_of_header_fields_runs_once_for_a_set_of_names(runs):
    engine = Engine(link([rule("names", LISTED, FORBIDDEN, phase=Phase.HEAD), rule("reader", READER)]))

    def found(*headers):
        tx = request(*headers)
        inspected(engine, tx)
        return [f.rule for f in tx.findings]

    runs.clear()
    for value in ("1", "2", "3"):
        assert found(f"host={value}", "accept=x") == []
    assert runs.count("names") == 1
    for _ in range(2):
        assert found("host=x", "proxy=x") == ["names"]
        assert found("host=x", "x-seen=x") == ["reader"]
    assert runs.count("names") == 3


SCORE = Target("tx", key=b"score")
HIGH = condition([SCORE], ("ge", "5"))
ON_METHOD = {"targets": (Target("method"),), "operator": Operator("rx", "^(P).(S)")}
LEFT = {
    "set, unset and added": [
        rule("1", doing(setting(b"score", b"3", how=Assign.ADD), setting(b"old", how=Assign.UNSET), **ON_METHOD)),
        rule("2", doing(setting(b"score", b"3", how=Assign.ADD))),
        rule("3", HIGH, data=(b"score ", Reference("tx", b"score"), Reference("method"))),
    ],
    "captures": [
        rule("1", doing(setting((b"x_", Reference("tx", b"2")), Reference("tx", b"1")), capture=True, **ON_METHOD)),
        rule("2", condition([Target("tx", pattern="^x_")], ("rx", "."))),
    ],
    "removed rules": [
        rule("1", doing(RemoveRules(Chosen(ids=((3, 3),))), **ON_METHOD), **QUIET),
        rule("2", TOUCHING),
        rule("3", doing(setting(b"score", b"1"))),
    ],
    "lost targets": [
        rule("1", doing(RemoveTarget(Chosen(ids=((2, 3),)), "args", b"k"), **ON_METHOD), **QUIET),
        rule("2", TOUCHING),
        rule("3", condition(["args"], ("streq", "v"))),
    ],
    "controls": [
        rule("1", doing(SetControl(Control.ENGINE, "detect"), SetControl(Control.FORCE_BODY, "on"), **ON_METHOD),
             phase=Phase.HEAD),
        rule("2", doing(setting(b"score", b"1"))),
    ],
    "off": [rule("1", doing(SetControl(Control.ENGINE, "off"), **ON_METHOD)), rule("2", TOUCHING)],
    "passes": [
        rule("1", doing(**ON_METHOD), passes=Scope.PHASE),
        rule("2", TOUCHING),
        rule("3", doing(), phase=Phase.LOG),
    ],
    "a jump over what is not remembered": [
        rule("1", doing(**ON_METHOD), skip_after="END"),
        rule("2", TOUCHING),
        rule("3", doing(setting(b"score", b"1"))),
        Marker("END"),
        rule("4", doing()),
    ],
    "unset and set again stands last": [
        rule("1", doing(setting(b"list_1", b"1"), setting(b"list_2", b"2"))),
        rule("2", doing(setting(b"list_1", how=Assign.UNSET), setting(b"list_1", b"1"), **ON_METHOD)),
        rule("3", condition([Target("tx", pattern="^list")], ("rx", ".")), TOUCHING),
    ],
}  # fmt: skip


def test_what_follows_a_state_that_was_reached_before_is_not_run_again(runs):
    """By whatever value of a header field it was reached."""
    named = {"targets": (Target("headers", key=b"host"),), "operator": Operator("rx", "^(.)")}
    engine = Engine(
        link(
            [
                rule("captured", doing(setting(b"kept", Reference("tx", b"1")), capture=True, **named), **QUIET),
                rule("after", doing(setting(b"more", Reference("tx", b"kept")), **ON_METHOD)),
                rule("reader", condition([Target("tx", pattern="^(more|kept)$")], ("rx", "z"))),
            ]
        )
    )
    runs.clear()
    for host in ("a", "b", "bb", "a", "c"):
        tx = request(f"host={host}", method=b"POST")
        inspected(engine, tx)
        assert tx.state.variables[b"more"] == host[:1].encode()
    assert (runs.count("captured"), runs.count("after")) == (4, 3)


JUMPS = {
    "a jump over nothing that runs": [
        rule("1", TOUCHING, skip_after="END", **QUIET),
        rule("2", condition([Target("cookies", key=b"never")], ("rx", "."))),
        Marker("END"),
        rule("3", TOUCHING),
    ],
    "a jump over what runs": [
        rule("1", TOUCHING, skip_after="END", **QUIET),
        rule("2", TOUCHING),
        Marker("END"),
        rule("3", TOUCHING),
    ],
    "a jump within its phase": [
        rule("1", TOUCHING, skip_after="END", **QUIET),
        rule("2", TOUCHING, phase=Phase.LOG),
        Marker("END"),
        rule("3", TOUCHING),
    ],
}


@pytest.mark.parametrize("listed", JUMPS.values(), ids=JUMPS)
def test_a_jump_leads_where_it_did(listed):
    first, second = Engine(link(listed)), Engine(link(listed))
    second._stretches._leaps = {}
    for value in (b"v", b"w"):
        ours, theirs = request(args={b"k": value}), request(args={b"k": value})
        assert inspected(first, ours) == inspected(second, theirs)
        assert "3" in [f.rule for f in ours.findings]


def test_a_rule_that_would_leap_over_nothing_does_not_run(runs):
    leaping = rule("leap", TOUCHING, skip_after="END", **QUIET)
    over = rule("over", condition([Target("args")], ("rx", "attack")))
    engine = Engine(link([leaping, over, Marker("END"), rule("behind", TOUCHING)]))
    runs.clear()
    for value, found, ran in ((b"v", ["behind"], ["behind"]), (b"attack", ["behind"], ["leap", "behind"])):
        tx = request(args={b"k": value})
        inspected(engine, tx)
        assert [f.rule for f in tx.findings] == found
        assert runs == ran
        runs.clear()


@pytest.mark.parametrize("listed", LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("before", [(), (rule("0", doing(setting(b"dirt", Reference("args", b"k")))),)])
def test_what_is_kept_is_what_running_leaves(listed, before):
    """Also where a rule that is not remembered has changed something before."""
    both = Both(*before, *listed, score=b"0", old=b"x")
    args = {b"k": b"v"}
    found = [both(method=method, args=args) for method in (b"POST", b"GET", b"POST", b"GET")]
    assert found[:2] == found[2:]
    assert found[0] != found[1]


DIRTY = rule("0", doing(setting(b"dirt", Reference("args", b"k")), targets=TOUCHING.targets,
                        operator=TOUCHING.operators[0]), **QUIET)  # fmt: skip


def test_other_inputs_give_another_outcome():
    """Each of them alone, where other rules have changed something before."""
    plus = setting((b"list_", Reference("headers", b"n")), b"1", how=Assign.ADD)
    copied = setting(b"list_1", Reference("args", b"v"))
    both = Both(
        DIRTY,
        rule("1", doing(copied, targets=(Target("args", key=b"v"),), operator=Operator("rx", ".")), **QUIET),
        rule("2", doing(plus), **QUIET),
        rule("3", condition([Target("tx", key=b"list_1")], ("gt", "4"))),
        rule("4", condition(["files.types"], ("streq", "exe"))),
    )
    assert both("n=1", args={b"v": b"1"}) == []
    # A variable that is set under a name that is put together, and one that no rule names.
    assert both("n=1", args={b"v": b"5"}) == ["3"]
    assert both("n=2", args={b"v": b"5"}) == ["3"]
    assert both("n=other", args={b"v": b"1"}) == []
    # The key names what was found.
    for name in (b"one", b"two"):
        assert both("n=1", args={b"v": b"1"}, files__types={name: b"exe"}) == ["4"]


def test_the_order_of_variables_counts_where_one_of_them_is_chosen():
    first, second = (
        rule(number, doing(setting(name, b"1"), targets=(Target("args", key=key),), operator=Operator("rx", ".")))
        for number, name, key in (("1", b"list_1", b"a"), ("2", b"list_2", b"b"))
    )
    again = rule("3", doing(setting(b"list_1", b"1"), targets=(Target("args", key=b"c"),),
                            operator=Operator("rx", ".")))  # fmt: skip
    both = Both(first, second, again, rule("4", condition([Target("tx", pattern="^list")], ("rx", "."))))
    assert both(args={b"a": b"1", b"b": b"1"}) == ["1", "2", "4"]
    assert both(args={b"c": b"1", b"b": b"1"}) == ["2", "3", "4"]


ON_HEADERS = {"operator": Operator("rx", "foo")}
SETS = setting(b"score", b"5")


def test_what_a_scan_has_confirmed_is_not_confirmed_for_targets_left_out_or_lost():
    out = Target("headers", key=b"k", exclude=True)
    high = rule("3", HIGH)
    both = Both(rule("2", doing(SETS, targets=(Target("headers"), out), **ON_HEADERS), **QUIET), high)
    assert [both("k=foo"), both("z=foo"), both("k=foo")] == [[], ["3"], []]
    losing = rule("1", doing(RemoveTarget(Chosen(ids=((2, 2),)), "headers", b"k")), **QUIET)
    both = Both(losing, rule("2", doing(SETS, targets=(Target("headers"),), **ON_HEADERS), **QUIET), high)
    assert [both("k=foo"), both("z=foo"), both("k=foo")] == [[], ["3"], []]


def test_of_a_mail_rules_run_in_other_phases():
    both = Both(rule("1", condition([Target("headers", key=b"k")], ("rx", "foo")), phase=Phase.HEAD, protocols=BOTH))
    for protocol, phase in ((Protocol.HTTP, Phase.HEAD), (Protocol.SMTP, Phase.BODY)):
        assert both("k=foo", protocol=protocol) == ["1"]
        tx = request("k=foo", protocol=protocol)
        inspected(both.engine, tx)
        assert [f.phase for f in tx.findings] == [phase]


def test_what_did_not_fit_among_the_variables_is_not_kept(monkeypatch):
    for where in (carried_out, module):
        monkeypatch.setattr(where, "MOST_VARIABLES", 4)
    fill = doing(setting((b"x", Reference("tx", b"0")), b"1"), targets=(Target("args"),), capture=True,
                 operator=Operator("rx", "^.*$"))  # fmt: skip
    both = Both(rule("1", fill, **QUIET), rule("2", doing(SETS), **QUIET), rule("3", HIGH))
    assert both(args={b"a": b"1", b"b": b"2", b"c": b"3", b"d": b"4"}) == []
    assert both(args={b"a": b"1"}) == ["3"]


def test_a_message_never_shows_what_another_transaction_had():
    shows = rule("2", doing(SETS), data=(Reference("matched.one"),))
    both = Both(rule("1", condition(["path"], ("!streq", "")), **QUIET), shows)
    for path in (b"one", b"two"):
        assert both(path=[path]) == ["2"]


def test_what_was_reported_is_not_run_again(runs):
    engine = Engine(
        link([rule("1", condition(["method"], ("rx", "G"))), rule("2", doing(SETS), score=0, logs=False)])
    )
    for want in (["1", "2"], []):
        tx = request()
        runs.clear()
        engine.inspect(tx, Phase.BODY, Phase.BODY)
        assert runs == want
        engine.inspect(tx, Phase.BODY, Phase.BODY)
        assert [f.rule for f in tx.findings] == ["1"]
    assert runs == ["2"]


def counted(engine):
    kept = engine._stretches
    return len(kept._known), sum(len(s.outcomes) for s in kept._stretches.values())


def test_what_is_too_large_is_not_kept(runs, monkeypatch):
    monkeypatch.setattr(module, "INPUT_BYTES", 20)
    engine = Engine(link([rule("1", condition([Target("headers", key=b"k")], ("rx", "."), ("streq", "")))]))
    for value, want in (("v" * 19, 1), ("v" * 20, 2)):
        runs.clear()
        for _ in range(2):
            inspected(engine, request(f"k={value}"))
        assert runs == ["1"] * want
    assert counted(engine)[1] == 1


def test_bounds(monkeypatch):
    monkeypatch.setattr(module, "OUTCOMES", 3)
    monkeypatch.setattr(module, "RUNS", 4)
    rules = [rule(str(at), condition(["headers"], ("rx", f"v{at}")), **QUIET) for at in range(4)]
    both = Both(*rules, rule("all", condition(["method"], ("rx", "(.)")), data=(Reference("method"),)))
    for number in range(40):
        wanted = [f"h{at}=v{at}" for at in range(4) if number >> at & 1]
        assert both(*wanted, method=b"%d" % number) == ["all"]
        runs_kept, outcomes = counted(both.engine)
        assert 1 <= runs_kept <= 4
        assert outcomes <= 3 * 2 * runs_kept


def test_nothing_is_remembered_where_rules_look_at_what_others_accepted():
    one = rule("1", condition(["method"], ("rx", ".")))
    for listed, want in (([one], 1), ([one, rule("2", condition(["matched.one"], ("rx", "G")))], 0)):
        both = Both(*listed)
        assert both.ruleset.last_matters is not bool(want)
        assert [both(), both()] == [[r.id for r in listed]] * 2
        assert counted(both.engine)[1] == want


def test_a_twin_in_another_thread_goes_on_where_the_first_stopped():
    add = doing(setting(b"score", b"3", how=Assign.ADD), **ON_METHOD)
    ruleset = link([rule("1", add, phase=Phase.HEAD), rule("2", add), rule("3", HIGH, phase=Phase.LOG)])
    engine = Engine(ruleset)
    twin = engine.twin()
    with ThreadPoolExecutor(1) as pool:
        for number in range(12):
            ours, theirs = request(method=b"POST"), request(method=b"POST")
            for at, phase in enumerate((Phase.HEAD, Phase.BODY, Phase.LOG)):
                if number >> at & 1:
                    pool.submit(twin.inspect, ours, phase, phase).result()
                else:
                    engine.inspect(ours, phase, phase)
            assert everything(ours) == inspected(Engine(ruleset), theirs)
            assert [f.rule for f in ours.findings] == ["1", "2", "3"]
