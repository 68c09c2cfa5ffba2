"""CRS tuned: only rules that are there are left out, only where it is asked for, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

from revproxy.app.tuning import POLICY_RULES, tuned
from revproxy.app.unconfigured import offline_settings

SETTINGS = offline_settings()
TUNED = replace(SETTINGS, inspection=replace(SETTINGS.inspection, crs_tuned=True))


def test_what_is_there_is_left_out() -> None:
    [one] = tuned(TUNED, ["920420", "942100", "943110"]).inspection.exclusions
    assert one.rules == ("920420", "943110")
    assert one.fields == ()


def test_without_such_rules_nothing_changes() -> None:
    assert tuned(TUNED, ["942100"]) is TUNED


def test_unless_it_is_asked_for_nothing_changes() -> None:
    assert tuned(SETTINGS, POLICY_RULES) is SETTINGS
