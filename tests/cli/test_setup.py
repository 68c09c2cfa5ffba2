import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from revproxy import config
from revproxy.cli import cli, setup


@pytest.fixture
def folder(tmp_path):
    result = CliRunner().invoke(cli, ["init", str(tmp_path / "etc")])
    assert result.exit_code == 0, result.output
    return tmp_path / "etc"


@pytest.fixture
def prepared(monkeypatch):
    """Everything behind the configuration, which has tests of its own."""
    asked = []

    def prepare(settings, blame, told):
        asked.append(settings)
        rules = SimpleNamespace(rules=("a", "b"))
        return SimpleNamespace(rules=rules, ruleset_name="0123456789abcdef", notices=("r.conf:1:1: noted",))

    monkeypatch.setattr("revproxy.app.prepare.prepare", prepare)
    operators = SimpleNamespace(libinjection_source=lambda: "own tokenizers")
    monkeypatch.setitem(sys.modules, "revproxy.detection.operators", operators)
    return asked


def test_init_makes_all_that_it_names(folder):
    loaded = config.load(folder / "revproxy.yaml")
    assert loaded.notices == ()
    assert {path.name for path in folder.iterdir()} == {"revproxy.yaml", *setup.FOLDERS}
    assert (folder / "spool").stat().st_mode & 0o077 == 0


def test_init_changes_nothing_that_is_there(folder):
    (folder / "revproxy.yaml").write_text("mine")
    result = CliRunner().invoke(cli, ["init", str(folder)])
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert (folder / "revproxy.yaml").read_text() == "mine"


def test_init_where_nothing_can_be_written():
    assert CliRunner().invoke(cli, ["init", "/proc/nothing"]).exit_code == 1


def test_check_of_a_good_configuration(folder, prepared):
    result = CliRunner().invoke(cli, ["check", "-c", str(folder / "revproxy.yaml")])
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("ok\n")
    assert "web (http on 127.0.0.1:8080)" in result.stdout
    assert "2 rules, rule set 0123456789abcdef" in result.stdout
    assert "r.conf:1:1: noted" in result.stderr
    assert "own tokenizers" in result.stdout
    assert "zones: none declared, so listeners on internal legs" in result.stdout
    assert len(prepared) == 1


def test_check_names_the_zones(folder, prepared):
    path = folder / "revproxy.yaml"
    text = path.read_text().replace("127.0.0.1:8000", "10.0.0.5:80").replace("127.0.0.1:8025", "10.0.0.6:25")
    path.write_text(text + "zones: {dmz: 192.0.2.0/28, internal: [10.0.0.0/24, 'fd00::/8']}\n")
    result = CliRunner().invoke(cli, ["check", "-c", str(path)])
    assert "zones: dmz 192.0.2.0/28; internal 10.0.0.0/24, fd00::/8; external all else\n" in result.stdout


def test_colour_is_for_terminals_without_no_color(folder, prepared):
    arguments = ["check", "-c", str(folder / "revproxy.yaml")]
    assert "\x1b[" in CliRunner().invoke(cli, arguments, color=True, env={"NO_COLOR": ""}).stdout
    assert "\x1b[" not in CliRunner().invoke(cli, arguments, color=True, env={"NO_COLOR": "1"}).stdout
    assert "\x1b[" not in CliRunner().invoke(cli, arguments).stdout


def test_check_prints_notices(folder, prepared):
    (folder / "spool").rmdir()
    result = CliRunner().invoke(cli, ["check", "-c", str(folder / "revproxy.yaml")])
    assert "notice: " in result.stderr
    assert "r.conf:1:1: noted\n" in result.stderr
    assert result.exit_code == 0


def test_check_finds_the_configuration_here(folder, prepared, monkeypatch):
    monkeypatch.chdir(folder)
    assert CliRunner().invoke(cli, ["check"]).exit_code == 0


def test_check_of_a_bad_configuration_prepares_nothing(folder, prepared):
    path = folder / "revproxy.yaml"
    path.write_text(path.read_text().replace("upstream: app", "upstream: ap"))
    result = CliRunner().invoke(cli, ["check", "-c", str(path)])
    assert result.exit_code == 2
    assert f"{path}:41:15: there is no upstream 'ap'" in result.stderr
    assert "did you mean app?" in result.stderr
    assert result.stdout == ""
    assert prepared == []


def test_check_without_a_file(tmp_path):
    result = CliRunner().invoke(cli, ["check", "-c", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert "_REVPROXY_COMPLETE" in result.stdout
