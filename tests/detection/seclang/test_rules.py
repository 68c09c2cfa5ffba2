"""Chains, ids and what a list of actions must have."""

from revproxy.detection.seclang.rules import Assembly, single
from revproxy.detection.seclang.source import Log
from revproxy.detection.seclang.tree import Flag, Link, Number
from revproxy.errors import Location


def here(line):
    return Location("f", line, 1)


def link(line, *actions):
    return Link((), None, actions, here(line))


def id_(line, value):
    return Number("id", value, Location("f", line, 10))


def chain(line):
    return Flag("chain", Location("f", line, 20))


def test_a_rule_by_itself():
    log = Log()
    rule = Assembly(log).rule(link(1, id_(1, 7)), flawed=False)
    assert (rule.id, rule.phase, len(rule.links), rule.where) == (7, 2, 1, here(1))
    assert not log.errors


def test_a_chain():
    log = Log()
    assembly = Assembly(log)
    assert assembly.rule(link(1, id_(1, 7), Number("phase", 4, here(1)), chain(1)), flawed=False) is None
    assert assembly.rule(link(2, chain(2)), flawed=False) is None
    rule = assembly.rule(link(3), flawed=False)
    assert (rule.id, rule.phase, [each.where.line for each in rule.links]) == (7, 4, [1, 2, 3])
    assembly.other()
    assert not log.errors


def test_a_chain_without_an_end():
    log = Log()
    assembly = Assembly(log)
    assembly.rule(link(1, id_(1, 7), chain(1)), flawed=False)
    assembly.rule(link(2, chain(2)), flawed=False)
    assembly.other()
    assembly.other()
    [error] = log.errors
    assert error.message == "the chain has no end"
    assert error.where == Location("f", 2, 20)


def test_ids_are_of_one_rule():
    log = Log()
    assembly = Assembly(log)
    assembly.action(link(1, id_(1, 7)), flawed=False)
    assembly.rule(link(2, id_(2, 7)), flawed=False)
    assert log.errors[0].message == "id 7 is taken: it stands in f:1:10 already"


def test_a_rule_without_an_id():
    log = Log()
    assembly = Assembly(log)
    assert assembly.rule(link(1), flawed=False) is None
    assert assembly.rule(link(2), flawed=True) is None
    assembly.lost()
    assert assembly.rule(link(3), flawed=False) is None
    assert assembly.action(link(4), flawed=False) is None
    assert [error.where.line for error in log.errors] == [1, 4]


def test_links_do_not_decide():
    log = Log()
    assembly = Assembly(log)
    assembly.rule(link(1, id_(1, 7), chain(1)), flawed=False)
    names = ("deny", "block", "pass", "drop", "allow")
    numbers = ("id", "phase", "status", "skip")
    actions = [Flag(name, here(2)) for name in names[:1]] + [Number(name, 1, here(2)) for name in numbers]
    assembly.rule(link(2, *actions, Flag("capture", here(2)), chain(2)), flawed=False)
    assert [error.message.split()[0] for error in log.errors] == ["deny", *numbers]
    for name in names[1:]:
        assembly.rule(link(3, Flag(name, here(3)), chain(3)), flawed=False)
    assert len(log.errors) == 9


def test_contradictions():
    log = Log()
    single((Flag("deny", here(1)), Flag("pass", here(2))), log)
    single((Number("status", 403, here(3)), Number("status", 404, here(4))), log)
    single((Flag("log", here(5)), Flag("log", here(6)), Flag("nolog", here(7))), log)
    assert [error.where.line for error in log.errors] == [2, 4]


def test_defaults():
    log = Log()
    assembly = Assembly(log)
    phase = Number("phase", 1, here(1))
    found = assembly.default((phase, Flag("pass", here(1))), here(1))
    assert found.phase == 1
    assert not log.errors
    assembly.default((phase, Flag("deny", here(2))), here(2))
    assert log.errors.pop().message == "phase 1 has its SecDefaultAction already, in f:1:1"
    assembly.default((Flag("pass", here(3)),), here(3))
    assert log.errors.pop().message == "SecDefaultAction needs a phase"
    assembly.default((Number("phase", 2, here(4)), Flag("block", here(4))), here(4))
    assert "needs a disruptive action" in log.errors.pop().message
    assembly.default((Number("phase", 3, here(5)), Flag("pass", here(5)), chain(5)), here(5))
    assert log.errors.pop().message == "chain belongs to a rule, not to SecDefaultAction"


def test_a_default_ends_a_chain():
    log = Log()
    assembly = Assembly(log)
    assembly.rule(link(1, id_(1, 7), chain(1)), flawed=False)
    assembly.default((Number("phase", 1, here(2)), Flag("pass", here(2))), here(2))
    assert log.errors[0].message == "the chain has no end"
