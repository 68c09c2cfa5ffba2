"""What stays of a linked set. That it finds the same is `engine/test_engine.py`'s, which has the oracle."""

from dataclasses import replace

import pytest
from builders import BOTH, condition, rule, simple

from revproxy.detection.link import link
from revproxy.detection.link import onto as module
from revproxy.detection.link.onto import NOTHING, onto
from revproxy.detection.rules import Control, SetControl

RULES = [
    simple("a", "one[0-9]"),
    simple("b", "two", "args", "path"),
    rule("c", condition(["args"], ("detectSQLi", "")), protocols=BOTH),
    simple("d", "four", "body", chain=["lowercase"]),
]
OTHER = simple("b", "another", "args", "path")


class Store(dict):
    """Counts what is compiled."""

    def put(self, key, data):
        self[key] = data


@pytest.fixture(scope="module")
def before():
    return link(RULES)


def test_the_same_rules_are_the_same_set(before):
    store = Store()
    made = link(RULES, store, before=before)
    assert (made, made.patched, dict(store)) == (before, False, {})


def test_what_is_no_matter_of_scanning_may_change(before):
    store = Store()
    told = [replace(one, message="new", score=4, tags=("t",)) for one in reversed(RULES)]
    made = link(told, store, before=before)
    assert not made.patched
    assert not store
    assert made.rules == tuple(told)
    assert [[told[i.rule].id for i in g.items] for g in made.groups] == [
        [RULES[i.rule].id for i in g.items] for g in before.groups
    ]
    assert made.name == link(told).name != before.name


def test_another_rule_has_groups_of_its_own(before):
    store = Store()
    rules = [RULES[0], OTHER, *RULES[2:]]
    made = link(rules, store, before=before)
    assert made.patched
    assert made.stale
    assert made.added == 2
    assert {i.rule for g in made.groups[-2:] for i in g.items} == {1}
    assert all(i.rule != 1 for g in made.groups[:-2] for i in g.items)
    # Nothing but the other rule was compiled.
    assert store.keys() == made.keys - before.keys
    assert made.compiled.keys() == made.keys
    assert made.name == link(rules).name


def test_groups_do_not_become_more_and_more(before):
    made = before
    for number in range(4):
        made = link([*RULES, simple(f"n{number}", f"new{number}")], before=made)
        assert (made.added, made.stale) == (1, False)
        assert len(made.groups) == len(before.groups) + 1
    assert link(RULES, before=made) == before


def test_a_rule_that_is_gone_is_nobody(before):
    made = link(RULES[:-1], before=before)
    assert (made.added, made.stale) == (0, True)
    assert {i.rule for g in made.groups for i in g.items} == {0, 1, 2}
    # Of a group of which nothing is left nothing is left.
    assert len(made.groups) < len(before.groups)


def test_where_nothing_stays_all_is_linked(before):
    made = link([OTHER], before=before)
    assert made == link([OTHER])
    assert onto(before, [OTHER]) is NOTHING
    few = [RULES[0], OTHER, simple("e", "five")]
    assert onto(before, few) is NOTHING


def test_where_rules_change_what_others_see_all_is_linked(before):
    asks = SetControl(Control.BODY_PROCESSOR, b"JSON")
    more = rule("e", replace(condition(["path"], ("rx", "x")), effects=(asks,)))
    assert onto(before, [*RULES, more]) is NOTHING


def test_notes_and_texts_are_those_of_the_rules(before):
    noted = replace(before, notes=("a: slow", "d: slow"))
    kept = onto(noted, [*RULES[:3], OTHER])
    assert kept.notes == ("a: slow",)
    assert {o.argument for o in kept.texts} == {"one[0-9]", "two"}
    assert module.NOTHING.groups == ()
