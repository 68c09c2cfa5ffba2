import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from revproxy import cli as room
from revproxy.cli import COMMANDS, cli
from revproxy.errors import ConfigError, Location, ManyErrors, PeerClosed

WHERE = Location("revproxy.yaml", 3, 5)


@pytest.fixture
def failing(monkeypatch):
    """A subcommand that raises what the test gives it."""

    def make(error):
        @click.command()
        def broken():
            raise error

        monkeypatch.setattr(sys.modules[__name__], "broken", broken, raising=False)
        monkeypatch.setitem(COMMANDS, "broken", room._Lazy(f"{__name__}:broken", "Fails."))
        monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
        return CliRunner().invoke(cli, ["broken"])

    return make


def test_help_names_every_command_and_the_exit_codes():
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name, lazy in COMMANDS.items() if lazy.help)
    assert "demo-inside" not in result.output
    assert "Exit codes" in result.output


def test_help_loads_no_room():
    code = (
        "import sys\nfrom revproxy.cli import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.startswith('revproxy.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "['revproxy.cli', 'revproxy.errors']"


def test_a_missing_module_breaks_only_its_own_command(monkeypatch):
    monkeypatch.setitem(COMMANDS, "later", room._Lazy("revproxy.cli.later:later", "Comes later."))
    result = CliRunner().invoke(cli, ["later"])
    assert result.exit_code == 2
    assert "no 'later'" in result.output
    assert CliRunner().invoke(cli, ["init", "--help"]).exit_code == 0


def test_an_unknown_command_is_wrong_use():
    assert CliRunner().invoke(cli, ["nonsense"]).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigError("wrong", WHERE, "  a: b"), 2, "revproxy.yaml:3:5: wrong\n    a: b\n      ^\n"),
        (ManyErrors([ConfigError("one", WHERE), ConfigError("two", WHERE)]), 2, "one\nrevproxy.yaml:3:5: two\n"),
        (PeerClosed("gone"), 1, "revproxy: gone\n"),
    ],
)
def test_errors_are_shown_plainly(failing, error, code, text):
    result = failing(error)
    assert result.exit_code == code
    assert text in result.stderr
    assert "Traceback" not in result.output


def test_the_version():
    assert CliRunner().invoke(cli, ["--version"]).output.startswith("revproxy ")


@pytest.mark.parametrize("arguments", [["signatures", "list"], ["--version"], ["completion", "bash"]])
def test_a_full_disk_is_no_traceback(arguments):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "revproxy", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
