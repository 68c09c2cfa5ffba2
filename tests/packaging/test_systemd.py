"""The unit of packaging/systemd: it names what exists, and asks for nothing that the program does not do."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from revproxy.cli.run import reload, run
from revproxy.config import Address, Control, Feeds, Settings
from revproxy.config.users import DEFAULT_USERS
from revproxy.runtime import BACKLOG

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "packaging/systemd"
UNIT = (FOLDER / "revproxy.service").read_text("utf-8")
COMMANDS = {"run": run, "reload": reload}
MOST_EXPOSED = 2.5
"""Of 10, as systemd-analyze counts."""
_EXPOSURE = re.compile(r"Overall exposure level for \S+: ([0-9.]+)")


def directives() -> dict[str, list[str]]:
    found = defaultdict(list)
    for line in UNIT.splitlines():
        if "=" in line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


SAID = directives()


def default(name: str) -> str:
    return str(Settings.__dataclass_fields__[name].default)


@pytest.mark.parametrize("name", ["ExecStart", "ExecReload"])
def test_commands_are_ours(name: str) -> None:
    words = SAID[name][0].split()
    assert words[0] == "/opt/revproxy/bin/revproxy"
    options = {option for parameter in COMMANDS[words[1]].params for option in parameter.opts}
    assert {word for word in words[2:] if word.startswith("-")} <= options


def test_it_may_write_where_the_configuration_writes_by_default() -> None:
    folders = {"/run": "Runtime", "/var/cache": "Cache", "/var/lib": "State"}
    places = {f"{above}/{SAID[kind + 'Directory'][0]}" for above, kind in folders.items()} | set(
        SAID["ReadWritePaths"]
    )
    state = str(Path(Feeds().folder).parent)
    assert places == {str(Path(Control().path).parent), default("cache"), default("spool"), state}
    assert SAID["ExecReload"][0].endswith(Control().path)
    made = (FOLDER / "revproxy.tmpfiles").read_text("utf-8").splitlines()[-1].split()
    assert made[1] in places


def test_there_is_time_to_finish_what_is_under_way() -> None:
    assert float(SAID["TimeoutStopSec"][0]) > float(default("drain_seconds"))
    # The supervisor alone is told: workers that end at once would lose what they have begun.
    assert SAID["KillMode"] == ["mixed"]


def test_nothing_is_promised_to_systemd_that_the_program_does_not_do() -> None:
    tells = any("NOTIFY_SOCKET" in path.read_text("utf-8") for path in (ROOT / "revproxy").rglob("*.py"))
    assert ("notify" in SAID["Type"][0]) is tells
    assert bool(SAID["WatchdogSec"]) is tells


def test_users_and_capabilities() -> None:
    made = [
        line.split()[1] for line in (FOLDER / "revproxy.sysusers").read_text("utf-8").splitlines() if line[0] == "u"
    ]
    assert made == [DEFAULT_USERS[0], "revproxy-broker"]
    assert "User" not in SAID
    kept = {"CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL"}
    assert set(SAID["CapabilityBoundingSet"][0].split()) == kept
    assert SAID["NoNewPrivileges"] == ["yes"]


def test_the_sandbox_may_be_set_up() -> None:
    calls = SAID["SystemCallFilter"][0].split()
    assert {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= set(calls)


def test_sockets_are_made_as_the_program_makes_them() -> None:
    said = (FOLDER / "revproxy.socket").read_text("utf-8").splitlines()
    given = [value for name, _, value in (line.partition("=") for line in said) if name == "ListenStream"]
    assert len(given) == 2
    # As `bind` is written.
    assert all(Address(host, int(port)) for host, _, port in (one.rpartition(":") for one in given))
    assert f"Backlog={BACKLOG}" in said
    assert "BindIPv6Only=ipv6-only" in said
    assert any("revproxy.socket" in line for line in UNIT.splitlines())


def analyzed(*words: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze")
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_systemd_understands_all_of_it(tmp_path: Path) -> None:
    installed = tmp_path / "revproxy.service"
    installed.write_text(UNIT.replace("/opt/revproxy/bin/revproxy", shutil.which("true") or "/bin/true"))
    sockets = tmp_path / "revproxy.socket"
    sockets.write_text((FOLDER / "revproxy.socket").read_text("utf-8"))
    said = analyzed("verify", str(installed), str(sockets))
    assert not [line for line in said.splitlines() if "revproxy.service" in line or "revproxy.socket" in line]


def test_systemd_finds_little_to_say_against_it() -> None:
    said = analyzed("security", "--offline=yes", str(FOLDER / "revproxy.service"))
    found = _EXPOSURE.search(said)
    if found is None:
        pytest.skip(f"needs a systemd-analyze that reads files: {said[:200]}")
    assert float(found.group(1)) <= MOST_EXPOSED
