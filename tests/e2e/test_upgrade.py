"""Another version of the program on the same sockets, in the same process; and what happens when it is a broken one.

A version is a folder with the package in it; the link that PYTHONPATH names says which one is installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from paced import paced
from servers import REVPROXY, Front, Nginx, configuration, curl, until

import revproxy

pytestmark = pytest.mark.e2e

PACKAGE = Path(revproxy.__file__).parent
SIGNATURES = str(PACKAGE.parent / "signatures")


class Installed:
    """Versions below a folder, and which of them is the installed one."""

    def __init__(self, folder):
        self.folder = folder
        self.link = folder / "installed"
        folder.mkdir()

    def install(self, version, **changes):
        """Make it the installed one; `changes` are files of the package with their new text."""
        place = self.folder / version
        if not place.exists():
            # With its byte code, as pip makes it.
            shutil.copytree(PACKAGE, place / "revproxy")
            text = (place / "revproxy/__init__.py").read_text()
            (place / "revproxy/__init__.py").write_text(text.replace(revproxy.__version__, version))
        for name, text in changes.items():
            (place / "revproxy" / name.replace("__", "/")).with_suffix(".py").write_text(text)
        new = self.folder / "new"
        new.symlink_to(version)
        new.rename(self.link)


@pytest.fixture
def installed(folder):
    made = Installed(folder / f"{len(list(folder.iterdir()))}")
    made.install("1.0")
    return made


@pytest.fixture
def front(need, installed, folder, started, monkeypatch):
    need("nginx", "curl")
    nginx = Nginx(installed.folder / "nginx")
    started.append(nginx)
    monkeypatch.setenv("PYTHONPATH", str(installed.link))
    # Not from the folder that the tests are run in.
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    settings = configuration(installed.folder / "front", nginx.port, 9, inspection={"signatures": [SIGNATURES]})
    made = Front(installed.folder / "front", settings)
    started.append(made)
    return made


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def exists(pid):
    return Path(f"/proc/{pid}").exists()


def test_another_version_serves(front, installed):
    before = front.workers()
    assert front.status()["version"] == "1.0"
    installed.install("2.0")
    with paced(front.ports["web"], per_second=300, connections=8) as course:
        until(lambda: len(course.answered) > 300, "load")
        began = time.monotonic()
        done = front.tell("upgrade")
        took = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        assert "version 2.0 serves" in done.stdout
        until(lambda: not any(map(exists, before)), "end of those of before, collected")
        served = len(course.answered)
        until(lambda: len(course.answered) > served + 300, "service")
    print(f"\nupgrade: {took:.1f} s; {len(course.failed)} of {len(course.answered)} requests failed")
    assert not course.failed
    until(lambda: not front.status()["adopted"], "end of what was adopted")
    status = front.status()
    assert (status["version"], status["pid"]) == ("2.0", front.pid)
    assert not set(front.workers()) & set(before)
    # And back, as nginx's users would.
    installed.install("1.0")
    os.kill(front.pid, signal.SIGUSR2)
    until(lambda: "version 1.0 serves" in front.errors.read_text(), "the old version")
    assert front.tell("reload").returncode == 0
    assert curl(f"{front.url}/page")[0] == 200
    assert front.stop() == 0


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("cli__setup", "def check(:\n", "SyntaxError"),
        ("app__worker", "import no_such_module\n", "exit code 1"),
        ("app__broker", "import no_such_module\n", "exit code 1"),
    ],
    ids=["check", "worker", "broker"],
)
def test_a_broken_version_is_refused(front, installed, file, text, said):
    before = front.workers()
    installed.install("2.0", **{file: text})
    # The version that is broken may not be able to ask.
    asking = {**os.environ, "PYTHONPATH": str(installed.folder / "1.0")}
    done = subprocess.run(
        [*REVPROXY, "upgrade", "-c", str(front.file)],
        env=asking,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "would not serve" in done.stderr
    assert said in done.stderr
    assert front.workers() == before
    assert curl(f"{front.url}/page")[0] == 200


def test_a_wrong_configuration_is_refused_with_its_place(front, installed):
    before = front.workers()
    front.file.write_text(front.file.read_text() + "nonsense: 1\n")
    installed.install("2.0")
    done = front.tell("upgrade", "--control", f"{front.folder}/control.sock")
    assert done.returncode == 1
    assert f"{front.file}:" in done.stderr
    assert "nonsense" in done.stderr
    assert all(map(alive, before))
    os.kill(front.pid, signal.SIGUSR2)
    until(lambda: "upgrade failed" in front.errors.read_text(), "what SIGUSR2 came to")


def test_one_that_fails_after_all_leaves_those_of_before_serving_and_is_tried_again(front, installed):
    before = front.workers()
    # It proves itself, and cannot start all the same.
    broken = (PACKAGE / "runtime/rehearsal.py").read_text().replace("await generation.start(only=1)", "pass")
    installed.install("2.0", app__broker="import no_such_module\n", runtime__rehearsal=broken)
    done = front.tell("upgrade")
    assert done.returncode == 1
    assert "exit code 1" in done.stderr
    assert all(map(alive, before))
    for _ in range(3):
        assert curl(f"{front.url}/page")[0] == 200
    installed.install("3.0")
    until(lambda: not any(map(exists, before)), "end of those of before")
    assert front.status()["version"] == "3.0"
    assert curl(f"{front.url}/page")[0] == 200


def test_told_to_stop_while_it_fails_it_has_those_of_before_drain(front, installed):
    before = front.workers()
    broken = (PACKAGE / "runtime/rehearsal.py").read_text().replace("await generation.start(only=1)", "pass")
    installed.install("2.0", app__broker="import no_such_module\n", runtime__rehearsal=broken)
    assert front.tell("upgrade").returncode == 1
    assert all(map(alive, before))
    assert front.stop() == 0
    assert not any(map(alive, before))
