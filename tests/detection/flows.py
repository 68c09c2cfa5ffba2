"""Strategies for sets of rules that change the state of a transaction: variables, rules taken out, jumps, passes."""

from __future__ import annotations

from dataclasses import replace

from builders import HTTP
from hypothesis import strategies as st

from revproxy.detection.rules import (
    BEGUN,
    FIELDS,
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
chosens = st.one_of(
    st.tuples(st.integers(1, 8), st.integers(1, 8)).map(lambda p: Chosen(ids=((min(p), max(p)),))),
    st.sampled_from(["^t1$", "t", "t2"]).map(lambda t: Chosen(tags=(t,))),
)
operators = st.one_of(
    st.sampled_from([("rx", "(f)(o+)"), ("rx", "^(.)"), ("rx", "x|k"), ("streq", "foo"), ("contains", "o")]),
    st.tuples(st.sampled_from(["eq", "gt", "lt"]), st.sampled_from(["0", "1", "2"])),
).flatmap(lambda p: st.booleans().map(lambda n: Operator(p[0], p[1], n)))


def templates(references):
    return st.lists(st.sampled_from([b"1", b"2", b"x", b"foo"]) | references, min_size=1, max_size=2).map(tuple)


def effects(texts, lost, more=()):
    """`lost`: (field, key) pairs that rules may be kept from looking at; `more` strategies of effects."""
    variable_names = st.one_of(
        names.map(lambda n: (n,)),
        st.just((b"LIST_", Reference("tx", b"a"))),
        st.just((b"list_", Reference("tx", b"0"))),
    )
    return st.one_of(
        st.builds(SetVariable, variable_names, st.sampled_from(Assign), texts),
        st.builds(SetVariable, names.map(lambda n: (n,)), st.just(Assign.ADD), st.sampled_from([(b"1",), (b"3",)])),
        st.builds(RemoveRules, chosens),
        st.builds(lambda c, what: RemoveTarget(c, *what), chosens, lost),
        *more,
    )


def conditions(targets, done, texts):
    """Conditions that look at some of these targets; `done` effects."""
    late = st.builds(
        lambda n, t, g: Operator(n, template=t, negated=g),
        st.sampled_from(["streq", "within", "lt"]),
        texts,
        st.booleans(),
    )
    some = st.lists(targets, min_size=1, max_size=2).map(tuple)
    usual = st.builds(
        lambda t, o, c, e, m, k: Condition(t, (o,), c, m, k, tuple(e)),
        some.filter(lambda ts: any(not t.exclude for t in ts)),
        operators | late,
        st.sampled_from([(), (), ("lowercase",), ("removeWhitespace", "lowercase")]),
        st.lists(done, max_size=2),
        st.booleans(),
        st.booleans(),
    )
    action = st.lists(done, min_size=1, max_size=2).map(lambda e: Condition((), (), effects=tuple(e)))
    return st.one_of(usual, usual, usual, action)


@st.composite
def rules(draw, at, count, first, later, more):
    """Rule number `at` of `count`; `first`, `later` and `more` as in `sets`."""
    made = [draw(later if n else first) for n in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
    phase = draw(st.sampled_from([Phase.HEAD, Phase.BODY, Phase.BODY, Phase.LOG]))
    targets = [t.field for c in made for t in c.targets if t.field in FIELDS]
    filled = [FIELDS[field].phase for field in targets if field not in BEGUN]
    jump = draw(st.sampled_from(["", "", "", "END", str(count + 1)]))
    rule = Rule(
        id=str(at),
        protocols=HTTP,
        phase=max(phase, *filled, Phase.HEAD),
        conditions=tuple(made),
        severity=Severity.NOTICE,
        score=0,
        message="m",
        tags=tuple(draw(st.lists(st.sampled_from(["t1", "t2"]), max_size=1))),
        logs=draw(st.booleans()) or at % 2 == 0,
        skip=draw(st.sampled_from([0, 0, 0, 0, 1, 2])) if not jump else 0,
        skip_after=jump,
        passes=draw(st.sampled_from([None] * 9 + list(Scope))),
    )
    return replace(rule, **{name: draw(strategy) for name, strategy in more.items()})


@st.composite
def sets(draw, first, later, **more):
    """Rules and markers; `first` and `later` are strategies of conditions, `more` of other parts of a rule."""
    listed = []
    count = draw(st.integers(1, 8))
    for at in range(1, count + 1):
        listed.append(draw(rules(at, count, first, later, more)))
        if draw(st.integers(0, 3)) == 0:
            listed.append(Marker("END"))
    path = Condition((Target("path"),), (Operator("noMatch"),))
    tail = Rule(str(count + 1), HTTP, Phase.BODY, (path,), Severity.NOTICE, 0, "m")
    return [*listed, tail, Marker("END")]
