"""What stands before a rule set."""

from __future__ import annotations

from pathlib import Path

import yaml

from revproxy.app.ftw.known import known_failures
from revproxy.app.ftw.setup import MARKER_RULE, SUITE_VARIABLES, seclang_overrides, suite_overrides
from revproxy.config import Mode, load

ROOT = Path(__file__).resolve().parents[3]
FILES = ROOT / "config" / "crs-tests"
KNOWN = ROOT / "tests" / "data" / "ftw" / "known.yaml"


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


def test_the_files_for_users_are_the_same() -> None:
    comment, _, rest = (FILES / "crs-tests.conf").read_text().partition("\n")
    assert comment.startswith("#")
    assert rest == suite_overrides()
    ignored = yaml.safe_load((FILES / "ftw.yaml").read_text())["testoverride"]["ignore"]
    assert [name.strip("^$") for name in ignored] == list(known_failures(KNOWN))


def test_the_configuration_for_users_is_good(tmp_path: Path) -> None:
    for file in FILES.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "coreruleset").mkdir()
    settings = load(tmp_path / "revproxy.yaml").settings
    assert settings.logs.error.to == f"file:{tmp_path}/error.log"
    assert settings.inspection.rules == (str(tmp_path / "crs-tests.conf"), str(tmp_path / "coreruleset"))
    assert [route.mode for route in settings.routes] == [Mode.DETECT]
    assert settings.workers == 1
