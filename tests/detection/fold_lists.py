"""Lists of rules and transactions for folding, generated."""

from __future__ import annotations

from builders import HTTP
from fold_words import BODY, HEAD, LOG, REPLY_BODY, REPLY_HEAD, SMTP, put, template, when, written
from hypothesis import strategies as st

from revproxy.detection.rules import (
    Chosen,
    Condition,
    Control,
    Marker,
    Operator,
    RemoveRules,
    RemoveTarget,
    Scope,
    SetControl,
    Target,
)
from revproxy.model import Action, Phase, Protocol

NAMES = ["a", "b", "p_x", "p_y", "1"]
VALUES = ["0", "1", "2", "x", ""]
names = st.sampled_from(NAMES)
constants = st.sampled_from(VALUES)
asked = st.sampled_from(["%a%", "%b%", "%1%", "%0%", "%p_x%", "%args:k%"])
told = st.one_of(asked, asked, st.sampled_from(["%matched.one%", "%matched.name%"]))
texts = st.one_of(constants, constants, asked, told, st.tuples(constants, asked).map("".join))
stored = st.one_of(names, names, names, st.sampled_from(["p_%a%", "P_%args:k%", "%b%", "%args:k%"]))
choices = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda p: Chosen(ids=((min(p), max(p)),))),
    st.sampled_from([Chosen(tags=("^t",)), Chosen(tags=("2",)), Chosen(messages=("m",)), Chosen(ids=((3, 3),))]),
)
controls = st.sampled_from([("engine", "off"), ("force-body", "on")]).map(lambda p: SetControl(Control(p[0]), p[1]))
effects = st.one_of(
    *[st.builds(put, stored, texts, st.sampled_from("===++-!"))] * 6,
    st.builds(RemoveRules, choices),
    st.builds(RemoveTarget, choices, st.sampled_from(["args", "args", "tx"]), st.sampled_from([None, b"k", b"a"])),
    controls,
)
targets = st.one_of(
    *[st.builds(lambda n, c: Target("tx", n.encode(), count=c), names, st.booleans())] * 4,
    st.sampled_from([Target("args"), Target("args", b"k"), Target("args"), Target("args", count=True)]),
    st.sampled_from([Target("tx", pattern="^p"), Target("tx"), Target("tx.names"), Target("tx", b"a", exclude=True)]),
)
later = st.one_of(
    targets,
    targets,
    targets,
    st.sampled_from(["matched", "matched", "matched.names", "matched.one", "matched.name"]).map(Target),
)
tests = st.one_of(
    st.tuples(st.sampled_from(["eq", "lt", "ge", "!eq"]), st.sampled_from(["0", "1", "2", "%a%", "%b%", "%args:k%"])),
    st.tuples(
        st.sampled_from(["rx", "!rx"]), st.sampled_from(["(x)|(1)", "(.)", "^2", "%a%", "(x|%b%)", "(%args:k%"])
    ),
    st.tuples(st.sampled_from(["streq", "within", "!streq", "unconditionalMatch"]), st.one_of(constants, asked)),
)
later_tests = st.one_of(tests, tests, tests, st.tuples(st.sampled_from(["streq", "within"]), told))


def operator(test):
    name, text = test
    made = Operator(name.lstrip("!"), text, name.startswith("!"))
    return Operator(made.name, "", made.negated, template(text)) if "%" in text else made


@st.composite
def conditions(draw, first=False):
    if draw(st.integers(0, 3)) == 0:
        return Condition((), (), effects=tuple(draw(st.lists(effects, min_size=1, max_size=3))))
    some, trying = (targets, tests) if first and draw(st.integers(0, 40)) else (later, later_tests)
    if first:
        some = some.filter(lambda t: t.field != "matched")
    return Condition(
        tuple(draw(st.lists(some, min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 2]))))),
        tuple(map(operator, draw(st.lists(trying, min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 2])))))),
        draw(st.sampled_from([(), (), (), ("lowercase",), ("length",)])),
        draw(st.booleans()),
        draw(st.integers(0, 4)) == 0,
        tuple(draw(st.lists(effects, max_size=draw(st.sampled_from([0, 1, 2]))))),
    )


@st.composite
def rule_lists(draw):
    listed = []
    count = draw(st.integers(1, 9))
    spoken = draw(st.sampled_from([[HTTP], [HTTP], [HTTP], [HTTP, HTTP | SMTP], [HTTP, SMTP, HTTP | SMTP]]))
    phases = draw(st.sampled_from([[HEAD], [HEAD, BODY], [HEAD, HEAD, REPLY_HEAD], list(Phase)]))
    if draw(st.booleans()):
        first = draw(st.lists(st.builds(put, names, constants), min_size=1, max_size=3))
        listed.append(written("0", when("", "", *first), phase=phases[0], protocols=spoken[0]))
    for number in range(1, count + 1):
        made = [draw(conditions(not n)) for n in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
        ways = [
            {},
            {},
            {"skip_after": "END"},
            {"skip_after": "MID"},
            {"skip_after": str(count)},
            {"skip": 1},
            {"skip": 3},
        ]
        way = draw(st.sampled_from(ways))
        if draw(st.integers(0, 8)) == 0:
            way |= {"passes": draw(st.sampled_from(Scope))}
        face = draw(st.sampled_from([{}, {}, {"logs": True}, {"logs": True}, {"score": 2}, {"action": Action.DENY}]))
        if way.get("skip_after") == str(count) == str(number):
            way = {}
        says = {"said": template(draw(texts)), "data": template(draw(texts))} if face else {}
        tags = tuple(draw(st.lists(st.sampled_from(["t1", "t2", "u2"]), max_size=2)))
        place = {"phase": draw(st.sampled_from(phases)), "protocols": draw(st.sampled_from(spoken))}
        message = draw(st.sampled_from(["m", "n"]))
        listed.append(written(str(number), *made, tags=tags, message=message, **place, **face, **way, **says))
        if draw(st.integers(0, 3)) == 0:
            listed.append(Marker(draw(st.sampled_from(["END", "MID"]))))
    return [*listed, Marker("END"), Marker("MID")]


@st.composite
def schedules(draw):
    """The first phase always runs, and once; others may be left out, and long bodies come in windows."""
    most = {BODY: 2, REPLY_HEAD: 1, REPLY_BODY: 2, LOG: 1}
    return [HEAD, *(phase for phase, n in most.items() for _ in range(draw(st.integers(0, n))))]


transactions = st.tuples(
    schedules(),
    st.lists(
        st.tuples(st.sampled_from([b"k", b"K", b"z"]), st.sampled_from([b"x", b"1", b"2", b"p_x", b"a", b""])),
        max_size=3,
    ),
    st.sampled_from([Protocol.HTTP, Protocol.HTTP, Protocol.SMTP]),
)
