from dataclasses import replace

import pytest
from builders import condition, rule, transaction

from revproxy.detection.engine import Engine
from revproxy.detection.engine.adding import adding, adds_to
from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.state import State
from revproxy.detection.link import link
from revproxy.detection.rules import Assign, Condition, Reference, SetVariable, Target
from revproxy.model import Phase

QUIET = {"logs": False, "score": 0}
FIVE = SetVariable((b"S",), Assign.ADD, (b"5",))
SCORE = Target("tx", key=b"s")


def doing(given, *effects):
    return replace(given, effects=effects)


FOUND = doing(condition(["args"], ("rx", "bad")), FIVE)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (rule("1", FOUND, **QUIET), (b"s",)),
        (rule("1", doing(FOUND, FIVE, SetVariable((b"b",), Assign.ADD, (b"1",)), FIVE), **QUIET), (b"s", b"b")),
        (rule("1", FOUND), ()),
        (rule("1", FOUND, condition(["matched"], ("rx", "a"))), (b"s",)),
        (rule("1", doing(condition([SCORE], ("ge", "0")), FIVE), **QUIET), ()),
        (rule("1", Condition((), (), effects=(FIVE,)), **QUIET), ()),
        (rule("1", doing(FOUND, SetVariable((b"s",), Assign.SET, (b"1",))), **QUIET), ()),
        (rule("1", doing(FOUND, SetVariable((Reference("args"),), Assign.ADD, (b"1",))), **QUIET), ()),
    ],
)
def test_which_rules_these_are(given, names):
    assert adds_to(given) == names
    assert list(adding(link([given]), [Program(given)])) == [0] * bool(names)
    once = replace(given, phase=Phase.LOG)
    assert not adding(link([once]), [Program(once)])


def runs(rules, *pieces):
    """The variable `s` after each of several runs of phase BODY over these arguments."""
    engine, tx = Engine(link(rules)), transaction()
    for values in pieces:
        tx.fields.put("args", values)
        engine.inspect(tx, Phase.BODY, Phase.BODY)
        assert isinstance(tx.state, State)
        yield tx.state.variables.get(b"s")


QUERY, BOTH_BAD = [b"bad"], [b"bad", b"bad"]


def test_what_comes_again_counts_once():
    given = [rule("1", FOUND, **QUIET)]
    assert [*runs(given, QUERY, QUERY, BOTH_BAD, [b"good"], QUERY)] == [b"5", b"5", b"10", b"10", b"10"]


def test_also_where_the_rest_of_the_rule_fails():
    given = [rule("1", FOUND, condition(["matched"], ("rx", "never")))]
    assert [*runs(given, QUERY, QUERY)] == [b"5", b"5"]


def test_what_others_add_stays():
    given = [rule("1", FOUND, **QUIET), rule("2", doing(condition(["args"], ("rx", "a")), FIVE), **QUIET)]
    assert [*runs(given, QUERY, QUERY, [b"a"])] == [b"10", b"10", b"10"]


def test_a_variable_that_is_set_anew_is_added_to_again():
    reset = rule("0", Condition((), (), effects=(SetVariable((b"s",), Assign.SET, (b"0",)),)), **QUIET)
    assert [*runs([reset, rule("1", FOUND, **QUIET)], QUERY, QUERY)] == [b"5", b"5"]
    other = rule("2", doing(condition(["args"], ("rx", "a")), FIVE), **QUIET)
    assert [*runs([reset, other, rule("1", FOUND, **QUIET)], QUERY, QUERY)] == [b"10", b"10"]


def test_the_rule_itself_sees_what_it_added_in_this_run():
    given = [rule("1", FOUND, condition([SCORE], ("ge", "6")))]
    engine, tx = Engine(link(given)), transaction()
    for _ in range(3):
        tx.fields.put("args", QUERY)
        engine.inspect(tx, Phase.BODY, Phase.BODY)
    assert tx.findings == []
