"""Rules with effects: the engine against the oracle that runs one rule after the other."""

from builders import HTTP, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_flow import World, naive_flow

from revproxy.detection.engine import Engine
from revproxy.detection.link import link
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Marker,
    Operator,
    Reference,
    RemoveRules,
    RemoveTarget,
    Rule,
    Scope,
    SetVariable,
    Target,
)
from revproxy.model import Phase, Severity

NAMES = [b"a", b"b", b"list_1"]
names = st.sampled_from(NAMES)
references = st.one_of(
    st.builds(Reference, st.just("tx"), st.sampled_from([*NAMES, b"0", b"1"])),
    st.sampled_from(
        [Reference("matched.one"), Reference("matched.name"), Reference("args", b"k"), Reference("path")]
    ),
)
templates = st.lists(st.sampled_from([b"1", b"2", b"x", b"foo"]) | references, min_size=1, max_size=2).map(tuple)
variable_names = st.one_of(
    names.map(lambda n: (n,)), st.just((b"LIST_", Reference("tx", b"a"))), st.just((b"list_", Reference("tx", b"0")))
)
chosens = st.one_of(
    st.tuples(st.integers(1, 8), st.integers(1, 8)).map(lambda p: Chosen(ids=((min(p), max(p)),))),
    st.sampled_from(["^t1$", "t", "t2"]).map(lambda t: Chosen(tags=(t,))),
)
effects = st.one_of(
    st.builds(SetVariable, variable_names, st.sampled_from(Assign), templates),
    st.builds(SetVariable, names.map(lambda n: (n,)), st.just(Assign.ADD), st.sampled_from([(b"1",), (b"3",)])),
    st.builds(RemoveRules, chosens),
    st.builds(RemoveTarget, chosens, st.just("args"), st.sampled_from([None, b"k"])),
)
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
operators = st.one_of(
    st.sampled_from([("rx", "(f)(o+)"), ("rx", "^(.)"), ("rx", "x|k"), ("streq", "foo"), ("contains", "o")]),
    st.tuples(st.sampled_from(["eq", "gt", "lt"]), st.sampled_from(["0", "1", "2"])),
).flatmap(lambda p: st.booleans().map(lambda n: Operator(p[0], p[1], n)))
late = st.builds(
    lambda n, t, g: Operator(n, template=t, negated=g),
    st.sampled_from(["streq", "within", "lt"]),
    templates,
    st.booleans(),
)


def conditions(first):
    some = st.lists(targets if first else later, min_size=1, max_size=2).map(tuple)
    usual = st.builds(
        lambda t, o, c, e, m, k: Condition(t, (o,), c, m, k, tuple(e)),
        some.filter(lambda ts: any(not t.exclude for t in ts)),
        operators | late,
        st.sampled_from([(), (), ("lowercase",), ("removeWhitespace", "lowercase")]),
        st.lists(effects, max_size=2),
        st.booleans(),
        st.booleans(),
    )
    action = st.lists(effects, min_size=1, max_size=2).map(lambda e: Condition((), (), effects=tuple(e)))
    return st.one_of(usual, usual, usual, action)


@st.composite
def sets(draw):
    listed = []
    count = draw(st.integers(1, 8))
    for at in range(1, count + 1):
        made = [draw(conditions(n == 0)) for n in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
        jump = draw(st.sampled_from(["", "", "", "END", str(count + 1)]))
        passes = draw(st.sampled_from([None] * 9 + list(Scope)))
        phase = draw(st.sampled_from([Phase.HEAD, Phase.BODY, Phase.BODY, Phase.LOG]))
        phase = max(phase, Phase.BODY) if any(t.field.startswith("args") for c in made for t in c.targets) else phase
        more = {
            "skip_after": jump,
            "passes": passes,
            "skip": draw(st.sampled_from([0, 0, 0, 0, 1, 2])) if not jump else 0,
        }
        tags = tuple(draw(st.lists(st.sampled_from(["t1", "t2"]), max_size=1)))
        listed.append(
            Rule(
                str(at),
                HTTP,
                phase,
                tuple(made),
                Severity.NOTICE,
                0,
                "m",
                tags,
                logs=draw(st.booleans()) or at % 2 == 0,
                **more,
            )
        )
        if draw(st.integers(0, 3)) == 0:
            listed.append(Marker("END"))
    tail = Rule(
        str(count + 1),
        HTTP,
        Phase.BODY,
        (Condition((Target("path"),), (Operator("noMatch"),)),),
        Severity.NOTICE,
        0,
        "m",
    )
    return [*listed, tail, Marker("END")]


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
@given(sets(), st.lists(transactions, min_size=3, max_size=8))
def test_the_engine_is_the_oracle(listed, given_transactions):
    engine = Engine(link(listed))
    for parts in given_transactions:
        ours, theirs, world = built(*parts), built(*parts), World()
        want = []
        for first, last in ((Phase.HEAD, Phase.HEAD), (Phase.BODY, Phase.BODY), (Phase.LOG, Phase.LOG)):
            want += naive_flow(listed, theirs, first, last, world)
            engine.inspect(ours, first, last)
        assert [(f.rule, f.phase) for f in ours.findings] == want
        # What was captured can only be seen through rules that read it.
        held = ours.state.variables if ours.state is not None else {}
        assert {k: v for k, v in held.items() if not k.isdigit()} == {
            k: v for k, v in world.tx.items() if not k.isdigit()
        }
