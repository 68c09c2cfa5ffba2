import pytest

from revproxy.app.rulefiles import rule_files, with_rules
from revproxy.app.unconfigured import offline_settings
from revproxy.errors import ConfigError


@pytest.fixture
def crs(tmp_path):
    """A folder with the layout of a release."""
    (tmp_path / "rules").mkdir()
    for name in ("rules/B.conf", "rules/A.conf", "rules/X.conf.example", "crs-setup.conf.example"):
        (tmp_path / name).write_text("# nothing\n")
    return tmp_path


def names(files):
    return [file.rpartition("/")[2] for file in files]


def test_files_of_a_release(crs):
    assert names(rule_files(crs)) == ["crs-setup.conf.example", "A.conf", "B.conf"]
    (crs / "crs-setup.conf").write_text("# mine\n")
    assert names(rule_files(crs)) == ["crs-setup.conf", "A.conf", "B.conf"]
    assert names(rule_files(crs / "rules")) == ["A.conf", "B.conf"]
    assert rule_files(crs / "one.conf") == [str(crs / "one.conf")]


def test_a_folder_without_rules(tmp_path):
    with pytest.raises(ConfigError, match="there are no rules"):
        rule_files(tmp_path)


def test_with_rules():
    settings = offline_settings()
    changed = with_rules(settings, ["a"], 3).inspection
    assert (changed.rules, changed.paranoia, changed.signatures_for) == (("a",), 3, ("mail",))
    assert changed.signatures == settings.inspection.signatures
    assert with_rules(settings, [], None) == settings
