"""Findings and verdicts."""

from __future__ import annotations

import pytest

from revproxy.model import ALLOWED, SEVERITY_SCORE, Action, Severity, Verdict


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("enforced", [True, False])
def test_what_passes(action: Action, enforced: bool) -> None:
    assert Verdict(action, enforced=enforced).passes is (action is Action.ALLOW or not enforced)


def test_the_graver_the_more_points() -> None:
    points = [SEVERITY_SCORE[severity] for severity in sorted(Severity)]
    assert points == sorted(points, reverse=True)
    assert set(SEVERITY_SCORE) == set(Severity)


def test_verdicts_do_not_change() -> None:
    with pytest.raises(AttributeError):
        ALLOWED.score = 5  # type: ignore[misc]
