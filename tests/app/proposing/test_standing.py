"""What a configuration does not deny any more is not proposed again."""

from __future__ import annotations

import pytest

from revproxy.app.excluded import Excluded
from revproxy.app.proposing.standing import Standing
from revproxy.detection.rules import Exclusion, Target
from revproxy.proxy.http import Placed

from .conftest import Make

PLACES = {"http": frozenset({"shop"}), "smtp": frozenset({"a.example"})}
ALREADY = "the configuration leaves it out already"
ONE = frozenset({"one"})


def standing(*placed: Placed) -> Standing:
    mail = (Exclusion(ONE),)
    return Standing(["one", "two"], Excluded({"shop": placed}, {"a.example": mail}), PLACES)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"route": "gone"}, "there is no such route or mail domain in the configuration"),
        ({"route": "a.example"}, "there is no such route or mail domain in the configuration"),
        ({"rule": "gone"}, "there is no such rule any more"),
        ({"protocol": "smtp", "route": "a.example"}, ALREADY),
        ({"protocol": "smtp", "route": "a.example", "rule": "two"}, ""),
    ],
)
def test_what_is_gone(denials: Make, change: dict[str, str], why: str) -> None:
    found, left = standing().still(denials(3, **change))
    assert (len(found), dict(left)) == ((0, {why: 3}) if why else (3, {}))


@pytest.mark.parametrize(
    ("placed", "covers"),
    [
        (Placed(Exclusion(ONE)), True),
        (Placed(Exclusion(frozenset({"two"}))), False),
        (Placed(Exclusion(ONE, (Target("args"),))), True),
        (Placed(Exclusion(ONE, (Target("cookies"),))), False),
        (Placed(Exclusion(ONE, (Target("args", b"q"),))), True),
        (Placed(Exclusion(ONE, (Target("args", b"r"),))), False),
        (Placed(Exclusion(ONE, (Target("args", pattern="^q$"),))), True),
        (Placed(Exclusion(ONE, (Target("args", pattern="^r"),))), False),
        (Placed(Exclusion(ONE), path="/search"), True),
        (Placed(Exclusion(ONE), path="/other"), False),
        (Placed(Exclusion(ONE), hosts=("*.example",)), True),
        (Placed(Exclusion(ONE), hosts=("elsewhere.example",)), False),
    ],
)
def test_what_is_left_out_already(denials: Make, placed: Placed, covers: bool) -> None:
    found, left = standing(placed).still(denials(3, key="Q"))
    assert (len(found), left[ALREADY]) == ((0, 3) if covers else (3, 0))
