"""What the outcome of a rule depends on."""

import pytest
from builders import condition, rule

from revproxy.detection.engine.inputs import decided, inputs_of, names_in
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Control,
    Operator,
    Reference,
    RemoveTarget,
    SetControl,
    SetVariable,
    Target,
)

HOST = Target("headers", key=b"host")
LISTED = Target("tx", pattern="^list")


def setting(name, *value, how=Assign.SET):
    return SetVariable(name if isinstance(name, tuple) else (name,), how, value)


def action(*effects):
    return Condition((), (), effects=effects)


def test_names_are_those_that_stand_in_the_rules_in_lower_case():
    one = rule("1", action(setting(b"Score", b"1"), setting((b"list_", Reference("tx", b"0")), b"1")))
    digits = {b"%d" % number for number in range(10)}
    assert names_in([one], [b"level"]) == {b"score", b"level"} | digits


NAMES = names_in([], [b"score", b"level", b"list_1", b"list_2", b"last_1"])
NEVER = [
    condition(["args"], ("rx", "a")),
    condition(["path"], ("rx", "a")),
    condition(["headers"], ("rx", "a")),
    condition(["body"], ("rx", "a")),
    condition(["args.names"], ("rx", "a")),
    condition([Target("args", count=True)], ("gt", "9")),
    condition([Target("headers", pattern="^x")], ("rx", "a")),
    condition(["id"], ("rx", "a")),
    condition([Target("method"), Target("args", exclude=True)], ("rx", "a")),
    Condition((Target("method"),), (Operator("streq", template=(Reference("path"),)),)),
    action(setting(b"score", Reference("args", b"k"))),
    action(setting((b"x_", Reference("headers")), b"1")),
]


@pytest.mark.parametrize("first", NEVER)
def test_what_hardly_comes_again_is_never_remembered(first):
    assert inputs_of(rule("1", first), NAMES) is None


@pytest.mark.parametrize("name", ["said", "data"])
def test_nor_is_what_a_record_shows_of_it(name):
    shown = {name: (b"found ", Reference("args", b"k"))}
    assert inputs_of(rule("1", condition(["method"], ("rx", "a")), **shown), NAMES) is None
    assert inputs_of(rule("1", condition(["method"], ("rx", "a")), logs=False, **shown), NAMES) is not None


METHOD = Reference("method")
FIELDS = [
    (condition(["method"], ("rx", "a")), {METHOD}),
    (condition(["headers.names"], ("rx", "a")), {Reference("headers.names")}),
    (condition([Target("headers.names", key=b"te")], ("rx", "a")), {Reference("headers.names")}),
    (condition(["headers.written"], ("rx", "a")), {Reference("headers.written")}),
    (condition([Target("headers", count=True)], ("eq", "0")), {Reference("headers.names")}),
    (condition([Target("headers", key=b"te", count=True)], ("eq", "0")), {Reference("headers.names")}),
    (condition([HOST, Target("time", key=b"hour")], ("rx", "a")), {Reference("headers", b"host"),
                                                                   Reference("time", b"hour")}),
    (condition([Target("files.types", pattern="^x")], ("rx", "a")), {Reference("files.types")}),
    (condition([Target("files.types", key=b"k", count=True)], ("eq", "1")), {Reference("files.types.names")}),
    (action(SetControl(Control.FORCE_BODY, "on")), set()),
    (Condition((), (), effects=(RemoveTarget(Chosen(), "args"), SetControl(Control.ENGINE, "off"))), set()),
]  # fmt: skip


@pytest.mark.parametrize(("first", "want"), FIELDS)
def test_fields(first, want):
    found = inputs_of(rule("1", first), NAMES)
    assert (found.fields, found.variables, found.others) == (want, frozenset(), None)


def tx(name, **more):
    return condition([Target("tx", key=name, **more)], ("eq", "1"))


VARIABLES = [
    (tx(b"score"), {b"score"}, None),
    (tx(b"score", count=True), {b"score"}, None),
    (action(setting(b"SCORE", Reference("tx", b"level"), how=Assign.ADD)), {b"score", b"level"}, None),
    (action(setting(b"score", how=Assign.UNSET)), {b"score"}, None),
    # A variable that no rule sets by its name.
    (tx(b"client"), {b"client"}, set()),
    # The order in which they were set tells which one is the first.
    (condition([LISTED], ("rx", "a")), set(), {b"list_1", b"list_2"}),
    (condition([Target("tx.names", pattern="^list_2")], ("rx", "a")), set(), {b"list_2"}),
    (condition([Target("tx")], ("rx", "a")), set(), NAMES),
    # What is written under a name that is put together is what stood there before, or nothing new.
    (action(setting((b"LIST_", Reference("tx", b"score")), b"1")), {b"score", b"list_1", b"list_2"}, set()),
    (action(setting((b"l", Reference("tx", b"score"), b"_1"), b"1")), {b"score", b"list_1", b"last_1"}, set()),
    (Condition((Target("method"),), (Operator("rx", "(a)"),), capture=True),
     {b"%d" % number for number in range(10)}, None),
]  # fmt: skip


@pytest.mark.parametrize(("first", "keys", "others"), VARIABLES)
def test_variables(first, keys, others):
    found = inputs_of(rule("1", first), NAMES)
    assert (found.variables, found.others) == (keys, others)


def test_every_condition_counts_and_what_a_chain_found_follows_from_it():
    later = condition(["matched", "matched.names", "matched.one", "matched.name"], ("rx", "a"))
    found = inputs_of(rule("1", condition(["method"], ("rx", "a")), later, tx(b"score")), NAMES)
    assert (found.fields, found.variables) == ({METHOD}, {b"score"})
    assert inputs_of(rule("1", condition(["method"], ("rx", "a")), condition(["args"], ("rx", "a"))), NAMES) is None


SET = setting(b"score", b"1")
AGENT = condition(["headers"], ("rx", "bot"))


def on_headers(*targets, effects=(SET,), capture=False):
    return Condition(targets or (Target("headers"),), AGENT.operators, capture=capture, effects=effects)


DECIDED = [
    (rule("1", on_headers(), logs=False), True),
    (rule("1", on_headers(Target("headers"), Target("path"), Target("method")), logs=False), True),
    (rule("1", on_headers(HOST, effects=(SetControl(Control.FORCE_BODY, "on"),)), logs=False), True),
    (rule("1", condition([Target("headers", key=b"te", count=True)], ("eq", "0")), logs=False), True),
    # A record names the value; a capture, or what is put together, depends on it.
    (rule("1", on_headers()), False),
    (rule("1", on_headers(capture=True), logs=False), False),
    (rule("1", on_headers(effects=(setting(b"score", Reference("matched.one")),)), logs=False), False),
    (rule("1", on_headers(effects=(setting((b"x", Reference("tx", b"0")), b"1"),)), logs=False), False),
    # How often depends on how many values were accepted.
    (rule("1", on_headers(effects=(setting(b"score", b"1", how=Assign.ADD),)), logs=False), False),
    (rule("1", on_headers(), tx(b"score"), logs=False), False),
    # Scans do not know of what is left out, and nobody confirms what is hit in arguments.
    (rule("1", on_headers(Target("headers"), Target("headers", key=b"te", exclude=True)), logs=False), False),
    (rule("1", on_headers(Target("headers"), Target("tx", key=b"a", exclude=True)), logs=False), False),
    (rule("1", on_headers(Target("headers"), Target("args")), logs=False), False),
    (rule("1", tx(b"score"), logs=False), False),
]  # fmt: skip


@pytest.mark.parametrize(("given", "want"), DECIDED)
def test_decided(given, want):
    assert decided(given) is want


def test_what_is_decided_depends_on_no_field_where_it_only_runs_once_confirmed():
    one = rule("1", on_headers(), logs=False)
    assert inputs_of(one, NAMES) is None
    assert inputs_of(one, NAMES, confirmed=True).fields == frozenset()
    assert inputs_of(rule("1", on_headers()), NAMES, confirmed=True) is None
