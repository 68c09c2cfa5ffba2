"""Rules with effects: the engine against the oracle that runs one rule after the other, and against an engine that
remembers no outcome."""

from unittest import mock

from builders import transaction
from flows import NAMES, conditions, effects, names, operators, sets, templates
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_flow import World, naive_flow

from revproxy.detection.engine import Engine, stretches
from revproxy.detection.link import link
from revproxy.detection.rules import Assign, Condition, Control, Reference, SetControl, SetVariable, Target
from revproxy.model import Phase

references = st.one_of(
    st.builds(Reference, st.just("tx"), st.sampled_from([*NAMES, b"0", b"1"])),
    st.sampled_from(
        [Reference("matched.one"), Reference("matched.name"), Reference("args", b"k"), Reference("path")]
    ),
)
filled_in = templates(references)
done = effects(filled_in, st.sampled_from([("args", None), ("args", b"k")]))
fields = st.sampled_from(["args", "path", "headers", "method", "args.names"])
targets = st.one_of(
    fields.map(Target),
    st.builds(lambda k: Target("args", key=k), st.sampled_from([b"k", b"foo"])),
    st.builds(lambda k: Target("headers", key=k, count=True), st.sampled_from([b"host", b"te"])),
    st.builds(lambda n, c: Target("tx", key=n, count=c), names, st.booleans()),
    st.just(Target("tx", pattern="^list")),
    st.just(Target("args", key=b"foo", exclude=True)),
)
later = st.one_of(targets, st.sampled_from(["matched", "matched.one", "matched.names", "matched.name"]).map(Target))
some_sets = sets(conditions(targets, done, filled_in), conditions(later, done, filled_in))
texts = st.sampled_from([b"foo", b"FOO", b"f o", b"k", b"1", b"2", b"", b"x\0", b"oo"])
transactions = st.builds(
    lambda args, path, host, te: (args, path, host, te),
    st.lists(st.tuples(st.sampled_from([b"k", b"K", b"foo", b"z"]), texts), max_size=3),
    texts,
    texts,
    st.booleans(),
)


def built(args, path, host, te):
    tx = transaction(path=[path], method=[b"GET"], headers={b"host": host, **({b"te": b"x"} if te else {})})
    tx.fields.put("args", [v for _, v in args], [k for k, _ in args])
    return tx


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(some_sets, st.lists(transactions, min_size=3, max_size=8))
def test_the_engine_is_the_oracle(listed, given_transactions):
    engine = Engine(link(listed))
    for parts in given_transactions:
        ours, theirs, world = built(*parts), built(*parts), World()
        want = []
        for first, last in ((Phase.HEAD, Phase.HEAD), (Phase.BODY, Phase.BODY), (Phase.LOG, Phase.LOG)):
            want += naive_flow(listed, theirs, first, last, world)
            engine.inspect(ours, first, last)
        assert [(f.rule, f.phase) for f in ours.findings] == want
        assert seen(ours.state.variables if ours.state is not None else {}) == seen(world.tx)


def seen(variables):
    """What was captured can only be seen through rules that read it."""
    return {k: v for k, v in variables.items() if not k.isdigit()}


# From here on: rules of which the outcome is remembered, and others between them.

steady_references = st.one_of(
    st.builds(Reference, st.just("tx"), st.sampled_from([*NAMES, b"0", b"1"])),
    st.sampled_from([Reference("headers", b"host"), Reference("method"), Reference("args", b"k")]),
)
filled_steady = templates(steady_references)
controls = st.sampled_from(
    [SetControl(Control.ENGINE, value) for value in ("off", "detect")]
    + [SetControl(Control.FORCE_BODY, value) for value in ("on", "off")]
)
lost = st.sampled_from(
    [("args", None), ("args", b"k"), ("headers", b"host"), ("headers", None), ("headers.names", None), ("tx", b"a")]
)
steady_done = effects(filled_steady, lost, [controls])
WITHOUT = Target("headers", key=b"te", exclude=True)
STEADY = [
    *map(Target, ["method", "headers.names", "headers.written", "files.types", "files.types.names"]),
    *(Target("headers", key=key, count=count) for key in (b"host", b"te") for count in (False, True)),
    Target("headers", count=True),
    Target("headers.names", key=b"te"),
    Target("files.types", pattern="^x"),
    Target("files.types", key=b"k", exclude=True),
    WITHOUT,
]
CHOSEN = [
    *(Target(name, pattern="^list", count=count) for name in ("tx", "tx.names") for count in (False, True)),
    Target("tx"),
    Target("tx", key=b"a", exclude=True),
]
by_name = st.builds(lambda n, c: Target("tx", key=n, count=c), names, st.booleans())
steady_targets = st.one_of(
    st.sampled_from(STEADY),
    st.sampled_from(STEADY),
    by_name,
    by_name,
    st.sampled_from(CHOSEN),
    st.sampled_from(["args", "headers", "path"]).map(Target),
)
constant = st.builds(lambda n, v: SetVariable((n,), Assign.SET, (v,)), names, st.sampled_from([b"1", b"foo"]))
decided = st.builds(
    lambda t, o, e: Condition(tuple(t), (o,), effects=tuple(e)),
    st.lists(st.sampled_from([*map(Target, ["headers", "path", "method"]), *STEADY]), min_size=1, max_size=2).filter(
        lambda targets: any(not t.exclude for t in targets)
    ),
    operators,
    st.lists(constant | controls, max_size=2),
)
some_steady = conditions(steady_targets, steady_done, filled_steady)
steady_later = steady_targets | st.sampled_from(["matched", "matched.names"]).map(Target)
steady_sets = sets(
    st.one_of(some_steady, some_steady, decided),
    conditions(steady_later, steady_done, filled_steady),
    data=filled_steady | st.just(()),
    score=st.sampled_from([0, 0, 3]),
)
few = st.sampled_from([b"foo", b"FOO", b"k", b"1", b""])
few_transactions = st.tuples(
    st.lists(st.tuples(st.sampled_from([b"k", b"foo"]), few), max_size=2),
    st.sampled_from([b"foo", b"k"]),
    st.sampled_from([b"foo", b"1", b"x"]),
    st.booleans(),
    st.sampled_from([b"GET", b"foo", b"2"]),
    st.lists(st.tuples(st.sampled_from([b"x", b"k"]), st.sampled_from([b"foo", b"1"])), max_size=2),
)


def built_of_few(args, path, host, te, method, files):
    tx = built(args, path, host, te)
    tx.fields.put("method", [method])
    tx.fields.put("headers.written", [b"HOST", b"te"][: 1 + te], [b"host", b"te"][: 1 + te])
    if files:
        tx.fields.put("files.types", [v for _, v in files], [k for k, _ in files])
    return tx


def left(tx):
    if tx.state is None:
        return None
    # Once is as good as twice.
    lost = {(rules, what.field) for rules, what in tx.state.lost}
    return tx.state.variables, tx.state.removed, lost, tx.state.controls, tx.state.over


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(steady_sets, st.sampled_from([{}, {b"a": b"1"}]), st.lists(few_transactions, min_size=4, max_size=10))
def test_what_is_remembered_is_what_running_leaves(listed, variables, given_transactions):
    """Phase BODY is inspected twice; what the oracle makes of that nobody asks."""
    ruleset = link(listed, variables=variables)
    engine, forgetful = Engine(ruleset), Engine(ruleset)
    for parts in given_transactions:
        (ours, theirs, oracles), world = (built_of_few(*parts) for _ in range(3)), World(variables)
        want = []
        for phase in (Phase.HEAD, Phase.BODY, Phase.LOG, Phase.BODY):
            engine.inspect(ours, phase, phase)
            with mock.patch.object(stretches, "INPUT_BYTES", -1):
                forgetful.inspect(theirs, phase, phase)
            assert (ours.findings, ours.silent, ours.controls) == (theirs.findings, theirs.silent, theirs.controls)
            assert (ours.scores, left(ours)) == (theirs.scores, left(theirs))
            if phase is Phase.BODY and want is None:
                continue
            want += naive_flow(listed, oracles, phase, phase, world)
            assert [(f.rule, f.phase) for f in ours.findings] == want
            assert seen(ours.state.variables if ours.state is not None else variables) == seen(world.tx)
            if phase is Phase.LOG:
                want = None
