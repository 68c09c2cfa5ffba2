"""The measure of quality counts what it says: denials and rejections apart, and bounds by what a set is."""

from __future__ import annotations

from pathlib import Path

import pytest

from revproxy.app.unconfigured import offline_settings
from revproxy.model import Action
from tests.differential.traffic import Item
from tests.quality.__main__ import reaches
from tests.quality.cases import CaseSet
from tests.quality.measure import Measured, Tally

HEAD = b" HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
ITEMS = [
    Item("ordinary", b"GET /garden?chair=2" + HEAD),
    Item("attack", b"GET /?q=1%27+union+select+password+from+users--+" + HEAD),
    Item("broken", b"GET /a b" + HEAD),
]


def test_denials_and_rejections_are_counted_apart() -> None:
    tally = Measured(offline_settings()).tally(ITEMS)
    assert (tally.denied, tally.rejected, tally.total) == (1, 1, 3)
    assert (tally.refused, tally.passed) == (["attack", "broken"], ["ordinary"])
    assert tally.rules["sql-union-select"] == 1


def test_a_rule_counts_once_for_a_request() -> None:
    tally = Tally()
    tally.add("a", Action.DENY, ["x", "x", "y"])
    assert tally.rules == {"x": 1, "y": 1}


@pytest.mark.parametrize(
    ("attacks", "refused", "bound", "reached"),
    [(True, 9, 90.0, True), (True, 8, 90.0, False), (False, 1, 10.0, True), (False, 2, 10.0, False)],
)
def test_a_bound_is_the_least_for_attacks_and_the_most_for_others(
    attacks: bool, refused: int, bound: float, reached: bool
) -> None:
    tally = Tally(denied=refused, total=10)
    assert reaches(CaseSet("x", attacks, Path(), lambda: iter(())), tally, bound) is reached


def test_nothing_at_all_is_no_share() -> None:
    assert Tally().share == 0.0
