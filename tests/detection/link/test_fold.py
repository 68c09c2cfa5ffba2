"""Folding as a whole, also against an interpreter that runs the rules as they are written, one after the other."""

import pytest
from builders import HTTP
from fold_lists import constants, names, rule_lists, transactions
from fold_words import BODY, HEAD, LOG, at_run, delayed, left, only, put, when, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_fold import Naive

from revproxy.detection.link.fold import fold, own_phase
from revproxy.detection.rules import Chosen, Condition, Operator, RemoveRules, Rule, Target
from revproxy.errors import Location, RuleError
from revproxy.model import Severity


def test_initialisation_becomes_variables():
    folded = fold(
        [
            written("1", when("&tx:level", "eq 0", put("level", "2"))),
            written("2", when("&tx:other", "eq 0", put("other", "%level%"))),
            written("3", when("&tx:level", "eq 0", put("level", "9"))),
            at_run("4", "args", "rx %unset%x%level%%other%", logs=True),
            at_run("5", "tx/^(level|oth)", "eq %args:a%", logs=True),
        ]
    )
    assert folded.variables == {b"level": b"2", b"other": b"2"}
    assert folded.removed == {"1": "folded", "2": "folded", "3": "never"}
    assert folded.rules[0].conditions[0].operators == (Operator("rx", "x22"),)


def test_given_variables_are_known():
    listed = [written("1", when("&tx:a", "eq 0", put("a"))), written("2", when("tx:a", "eq 5"), logs=True)]
    assert fold(listed, {b"A": b"5"}, frozenset({b"A"})).variables == {b"a": b"5"}
    assert left(fold(listed, {b"a": b"5"})) == ["2"]
    assert fold(listed).removed == {"1": "folded", "2": "never"}


def test_jumps_still_arrive():
    listed = [
        at_run("1", skip_after="3"),
        at_run("2", logs=True),
        at_run("3"),
        at_run("4", skip=2),
        at_run("5", logs=True),
        at_run("6"),
        at_run("7", logs=True),
    ]
    folded = fold(listed)
    assert [getattr(e, "id", None) or e.name for e in folded.rules] == ["1", "2", "3", "4", "5", "past 4", "7"]
    assert (folded.rules[3].skip, folded.rules[3].skip_after) == (0, "past 4")


def test_the_phase_that_counts_is_asked_for():
    listed = [written("1", when("tx:a", "eq 1"), logs=True), written("2", when("", "", put("a")), logs=False)]
    assert left(fold(listed)) == []
    assert left(fold(listed, phases=lambda r: LOG if r.id == "1" else HEAD)) == ["1"]
    cut = written("3", when("tx/^x", "eq 1", put("a")), when("args"))
    assert only(fold([cut], keep=frozenset({b"a"}), phases=delayed)).phase is BODY


def test_what_is_wrong_is_said():
    with pytest.raises(RuleError):
        fold([at_run("1", skip_after="nowhere")])
    with pytest.raises(RuleError, match="rule `1`"):
        fold([written("1", when("", "", RemoveRules(Chosen(tags=("(",)))), origin=Location("f", 1))])


def test_what_linking_refuses_is_left_to_it():
    empty = Rule("1", HTTP, HEAD, (), Severity.NOTICE, 0, "m", logs=False)
    odd = written("2", when("tx:a", "smell 1"))
    bent = written("3", Condition((Target("tx", b"a"),), (Operator("eq", "1"),), ("melt",)), logs=True)
    assert fold([empty, odd, bent], {b"a": b"1"}).rules == (empty, bent)


def agree(listed, given_variables, keep, runs, phases=own_phase, excluded=()):
    """Every second run has the first of what may be excluded, every third the second."""
    folded = fold(listed, given_variables, frozenset(keep), phases, excluded)
    rules = [entry for entry in listed if isinstance(entry, Rule)]
    # Of transactions in which no rule changes variables, those at the end say nothing.
    changing = {p for r in rules if any(c.effects or c.capture for c in r.conditions) for p in r.protocols}
    for number, (schedule, args, protocol) in enumerate(runs, 1):
        without = {id for at, ids in enumerate(excluded, 2) if number % at == 0 for id in ids}
        want = Naive(listed, given_variables, schedule, args, protocol, phases, without)
        got = Naive(folded.rules, folded.variables, schedule, args, protocol, phases, without)
        assert got.seen == want.seen
        if protocol in changing:
            assert {k: v for k, v in got.tx.items() if k in keep} == {k: v for k, v in want.tx.items() if k in keep}
    assert set(folded.removed) == {rule.id for rule in rules} - set(left(folded))
    assert fold(listed, given_variables, frozenset(keep), phases, excluded) == folded
    return folded


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    rule_lists(),
    st.dictionaries(names.map(str.encode), constants.map(str.encode), max_size=2),
    st.frozensets(st.sampled_from([b"a", b"b", b"p_x", b"1"]), max_size=2),
    st.lists(transactions, min_size=1, max_size=4),
    st.sampled_from([own_phase, delayed]),
    st.lists(st.frozensets(st.sampled_from("0123456789"), min_size=1), max_size=2),
)
def test_folded_rules_do_the_same(listed, given_variables, keep, runs, phases, excluded):
    agree(listed, given_variables, keep, runs, phases, excluded)
