"""Which spots become proposals: those without which requests stay denied, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from revproxy.app.proposing import Demands, Denial, choosing
from revproxy.app.proposing.choosing import ALONG, WHOLE, Choice, Policies, choose, decides
from revproxy.inspection import Policy
from revproxy.model import Severity

from .conftest import HOUR, Make

DEMANDS = Demands(5, 3, HOUR)
POLICIES = Policies(Policy(5, 4), {"strict": Policy(3, 3)})
Points = tuple[str, str, int]
"""Rule, key and points of a finding."""


def transactions(denials: Make, *findings: Points, count: int = 6, **more: object) -> list[Denial]:
    """`count` transactions with all of these findings each."""
    total = sum(points for _, _, points in findings)
    usual = {"total": total, **more}
    return [
        replace(one, rule=rule, key=key, score=points)
        for one in denials(count, **usual)
        for rule, key, points in findings
    ]


def chosen(denials: list[Denial], demands: Demands = DEMANDS) -> Choice:
    return choose(denials, demands, POLICIES, {"shop": "/"})


def pairs(denials: list[Denial]) -> set[tuple[str, str]]:
    return {(rule, one.selector) for one in chosen(denials).proposals for rule in one.rules}


@pytest.mark.parametrize(
    ("findings", "wanted"),
    [
        ([("a", "q", 5)], {("a", "args:q")}),
        # What is left has too few points.
        ([("a", "q", 5), ("b", "q", 4)], {("a", "args:q")}),
        ([("a", "q", 4), ("b", "q", 4)], {("b", "args:q")}),
        ([("a", "q", 5), ("b", "q", 5)], {("a", "args:q"), ("b", "args:q")}),
        ([("a", "q", 5), ("a", "r", 5)], {("a", "args:q"), ("a", "args:r")}),
        ([("a", "q", 3), ("b", "q", 3), ("c", "q", 3)], {("b", "args:q"), ("c", "args:q")}),
    ],
)
def test_no_more_than_is_needed(denials: Make, findings: list[Points], wanted: set[tuple[str, str]]) -> None:
    assert pairs(transactions(denials, *findings)) == wanted


def test_rules_at_one_place_are_one_proposal(denials: Make) -> None:
    (one,) = chosen(transactions(denials, ("b", "q", 5), ("a", "q", 5))).proposals
    assert (one.rules, one.selector, one.path, one.alone, one.together) == (("a", "b"), "args:q", "/search", 6, 6)
    assert len(one.id) == 8
    assert (one.evidence.transactions, one.evidence.clients, one.evidence.marks) == (6, 6, ())


def test_of_two_fields_neither_is_enough(denials: Make) -> None:
    found = chosen(transactions(denials, ("a", "q", 5), ("a", "r", 5))).proposals
    assert [(one.alone, one.together) for one in found] == [(0, 6), (0, 6)]


def test_nothing_is_proposed_where_nothing_would_pass(denials: Make) -> None:
    found = chosen(transactions(denials, ("a", "q", 5), ("b", "", 5)))
    assert found.proposals == ()
    assert found.left["nothing would pass by it, or all of it without it"] == 6
    hidden = chosen(transactions(denials, ("a", "q", 5), total=10))
    assert hidden.proposals == ()


def test_a_rule_that_decides_by_itself(denials: Make) -> None:
    own = transactions(denials, ("a", "q", 0), ("b", "q", 0), reason="b")
    assert pairs(own) == {("b", "args:q")}
    assert decides(own)
    other = transactions(denials, ("a", "q", 0), reason="c")
    assert not decides(other)


def test_rules_that_keep_a_score_of_their_own(denials: Make) -> None:
    some = transactions(denials, ("942100", "q", 0), ("920100", "q", 0), reason="949110")
    some = [replace(one, severity=Severity.NOTICE) if one.rule == "920100" else one for one in some]
    sums = [replace(one, rule="949110", field="tx", key="score") for one in some[::2]]
    assert pairs([*some, *sums]) == {("942100", "args:q")}


def test_a_whole_rule_only_where_no_field_will_do(denials: Make) -> None:
    some = transactions(denials, ("942100", "q", 0), ("942200", "q", 0), reason="949110")
    some = [replace(one, field="tx", key="0") if one.rule == "942200" else one for one in some]
    report = [replace(one, rule="980170", field="", key="", phase=5) for one in some[::2]]
    field, whole = sorted(chosen([*some, *report]).proposals, key=lambda one: one.rules)
    assert (field.rules, field.selector, field.evidence.marks) == (("942100",), "args:q", (ALONG,))
    assert (whole.rules, whole.selector, whole.evidence.marks) == (("942200",), "", (WHOLE,))
    assert (field.alone, whole.alone, whole.together) == (0, 0, 6)


def test_a_route_may_be_strict(denials: Make) -> None:
    findings = [("a", "q", 4), ("b", "q", 3)]
    assert pairs(transactions(denials, *findings)) == {("a", "args:q")}
    assert pairs(transactions(denials, *findings, route="strict")) == {("a", "args:q"), ("b", "args:q")}


def test_answers_have_a_threshold_of_their_own(denials: Make) -> None:
    leak = transactions(denials, ("a", "q", 4), ("b", "r", 3), phase=4)
    assert pairs(leak) == {("a", "args:q")}
    assert chosen(transactions(denials, ("a", "q", 3), phase=4)).proposals == ()


def test_fewer_than_asked_for(denials: Make) -> None:
    found = chosen(transactions(denials, ("a", "q", 5), count=4))
    assert found.proposals == ()
    assert found.left["fewer than 5 requests or messages"] == 4
    assert len(chosen(denials(4), replace(DEMANDS, transactions=4)).proposals) == 1


def test_an_attacker_adds_no_rule_to_what_rests_on_others(denials: Make) -> None:
    honest = transactions(denials, ("a", "q", 5))
    attack = transactions(denials, ("a", "q", 5), ("b", "q", 5), count=500, client="203.0.113.66")
    found = chosen([*honest, *attack]).proposals
    assert [(one.rules, one.evidence.marks) for one in found] == [(("a",), ()), (("b",), ("one client",))]
    assert [one.evidence.transactions for one in found] == [506, 500]


def test_the_order_is_by_clients_and_time_not_by_how_often(denials: Make) -> None:
    some = [
        *denials(900, key="attacked", client="203.0.113.66"),
        *denials(6, key="few"),
        *denials(9, key="more"),
        *[replace(one, at=one.at * 9) for one in denials(9, key="longer")],
    ]
    found = chosen(some).proposals
    assert [one.selector.partition(":")[2] for one in found] == ["longer", "more", "few", "attacked"]


def test_examples_differ(denials: Make) -> None:
    some = [replace(one, excerpt=f"value {n % 2}") for n, one in enumerate(denials(20))]
    (one,) = chosen(some).proposals
    assert [example.excerpt for example in one.examples][:2] == ["value 0", "value 1"]
    assert len({example.client for example in one.examples}) == 3


def test_a_record_that_stands_in_two_logs_counts_once(denials: Make) -> None:
    some = transactions(denials, ("a", "q", 3), ("b", "q", 2))
    (one,) = chosen([*some, *some]).proposals
    assert (one.rules, one.alone) == (("a",), 6)


def test_proposals_are_bounded(denials: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST", 2)
    found = chosen([*denials(9, key="a"), *denials(6, key="b"), *denials(7, key="c")])
    assert [one.selector for one in found.proposals] == ["args:a", "args:c"]
    assert found.left["there are more than 2 proposals"] == 6


def test_as_many_keys_as_stand_behind_a_pattern(denials: Make) -> None:
    some = [replace(one, key=f"k{n % 4}") for n, one in enumerate(denials(20))]
    (one,) = chosen(some).proposals
    assert (one.selector, one.keys, one.alone) == ("args:/^k[0-9]+$/", 4, 20)
