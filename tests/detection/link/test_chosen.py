import re
from dataclasses import replace

import pytest
from builders import rule, simple
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.link.chosen import chosen_rules, losing_rules
from revproxy.detection.rules import Chosen, Condition, RemoveTarget

RULES = [
    replace(simple("10", "x", tags=("attack-sqli", "crs")), message="SQL injection"),
    replace(simple("20", "x", tags=("crs",)), message="Others"),
    replace(simple("sqli-1", "x", tags=("attack",)), message="SQL"),
    replace(simple("²", "x"), message="others"),
]


@pytest.mark.parametrize(
    ("chosen", "want"),
    [
        (Chosen(), set()),
        (Chosen(ids=((10, 10),)), {0}),
        (Chosen(ids=((11, 20), (5, 9))), {1}),
        (Chosen(ids=((0, 99),)), {0, 1}),
        (Chosen(tags=("^crs$",)), {0, 1}),
        (Chosen(tags=("attack", "none")), {0, 2}),
        (Chosen(messages=("^SQL",)), {0, 2}),
        (Chosen(ids=((20, 20),), messages=("thers",)), {1, 3}),
    ],
)
def test_chosen(chosen, want):
    assert chosen_rules(chosen, RULES) == want


def test_a_rule_behind_many_without_a_number():
    # Positions count all rules, numbers only some of them.
    rules = [*(simple(f"sqli-{n}", "x") for n in range(5)), simple("30", "x")]
    assert chosen_rules(Chosen(ids=((30, 30),)), rules) == {5}
    assert chosen_rules(Chosen(ids=((0, 30),)), rules) == {5}
    assert chosen_rules(Chosen(ids=((0, 29),)), rules) == set()


def test_a_broken_pattern():
    with pytest.raises(ValueError):
        chosen_rules(Chosen(tags=("(",)), RULES)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["a", "ab", "b"])), unique_by=lambda r: r[0]), st.data()
)
def test_as_said(rows, data):
    rules = [simple(str(number), "x", tags=(tag,)) for number, tag in rows]
    ranges = data.draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=2))
    tags = data.draw(st.lists(st.sampled_from(["a", "^b", "ab"]), max_size=2))
    want = {
        at
        for at, (number, tag) in enumerate(rows)
        if any(low <= number <= high for low, high in ranges) or any(re.search(t, tag) for t in tags)
    }
    assert chosen_rules(Chosen(tuple(ranges), tuple(tags)), rules) == want


def test_losing_rules():
    by_id, by_tag = (RemoveTarget(c, "args") for c in (Chosen(ids=((10, 10),)), Chosen(tags=("attack$",))))
    assert losing_rules(RULES) == frozenset()
    assert losing_rules([*RULES, rule("x", Condition((), (), effects=(by_id, by_tag)))]) == {0, 2}
