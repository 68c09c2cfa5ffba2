"""What stands before a rule set."""

from __future__ import annotations

from revproxy.app.ftw.setup import MARKER_RULE, SUITE_VARIABLES, seclang_overrides, suite_overrides


def test_the_suite() -> None:
    text = suite_overrides()
    assert text.startswith("SecRuleEngine DetectionOnly\n")
    assert "setvar:tx.blocking_paranoia_level=4," in text
    assert "setvar:tx.arg_length=400" in text
    assert f"id:{MARKER_RULE}," in text
    assert "msg:'X-CRS-Test %{MATCHED_VAR}'" in text
    assert text.endswith("\n")


def test_ids_are_unique_and_local() -> None:
    ids = [int(part.partition(",")[0]) for part in suite_overrides().split("id:")[1:]]
    assert len(set(ids)) == len(ids) == 4 + len(SUITE_VARIABLES)
    assert all(one < 100_000 for one in ids if str(one) != MARKER_RULE)


def test_plain() -> None:
    text = seclang_overrides(1, {"reporting_level": "0"}, enforces=True)
    assert text.startswith("SecRuleEngine On\n")
    assert MARKER_RULE not in text
    assert "setvar:tx.reporting_level=0" in text
