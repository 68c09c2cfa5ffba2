"""`revproxy demo`: its options, what it says when they are wrong, and that nothing of it is left behind."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from revproxy.cli import cli
from revproxy.cli.demo import _console
from revproxy.config import Address, Upstream
from revproxy.demo.run import Options

LOCAL = "127.0.0.1"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What the command asked for; the exit code is 7."""
    got: list[Options] = []
    monkeypatch.setattr("revproxy.demo.run.run", lambda options, _console, _told: got.append(options) or 7)
    return got


def test_without_options(asked: list[Options]) -> None:
    assert run("demo").exit_code == 7
    assert asked == [Options(Address(LOCAL, 8080), Address(LOCAL, 2525), None, None, 1, False, False)]


def test_all_options(asked: list[Options]) -> None:
    options = ["--http", "[::1]:81", "--smtp", "localhost:26", "--web", "http://10.0.0.1:8000", "--mail", "[::2]:25"]
    assert run("demo", *options, "--workers", "3", "--detect", "--once").exit_code == 7
    web, mail = Upstream("web", Address("10.0.0.1", 8000)), Upstream("mail", Address("::2", 25))
    assert asked == [Options(Address("::1", 81), Address("localhost", 26), web, mail, 3, True, True)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--http", "8080"], "not HOST:PORT: 8080"),
        (["--http", "a:http"], "not HOST:PORT"),
        (["--http", "127.0.0.1:0"], "need a port"),
        (["--smtp", "127.0.0.1:0"], "need a port"),
        (["--smtp", "a:65536"], "not HOST:PORT"),
        (["--mail", ":25"], "not HOST:PORT"),
        (["--web", "10.0.0.1:80"], "not a URL of a server"),
        (["--web", "http://a/path"], "not a URL of a server"),
        (["--workers", "0"], "not in the range"),
        (["--paranoia", "5"], "not in the range"),
    ],
)
def test_wrong_use(asked: list[Options], arguments: list[str], text: str) -> None:
    done = run("demo", *arguments)
    assert done.exit_code == 2
    assert text in done.stderr
    assert asked == []


def test_help() -> None:
    said = run("demo", "--help").stdout
    assert "revproxy demo --once" in said
    assert "Exit codes: 0" in said
    assert "demo-inside" not in run("--help").stdout


def test_the_table_is_wide_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert _console().width >= 160
    monkeypatch.setenv("COLUMNS", "70")
    assert _console().width == 70


@pytest.mark.parametrize("kind", ["web", "mail"])
def test_an_internal_server_on_a_port_in_use(kind: str) -> None:
    with socket.create_server((LOCAL, 0)) as taken:
        done = run("demo-inside", kind, f"{LOCAL}:{taken.getsockname()[1]}")
    assert done.exit_code == 1
    assert "address already in use" in done.stderr


class Demo:
    """The program in a process of its own, as from a terminal without Ctrl-C."""

    def __init__(self, folder: Path, *options: str) -> None:
        # Warnings are shown, if there are any.
        environment = os.environ | {"TMPDIR": str(folder), "PYTHONWARNINGS": "default", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "revproxy", "demo", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.folder = folder
        self.children: list[int] = []

    def until(self, text: str) -> None:
        """Read what it says up to that; its children are known then."""
        assert self.process.stdout is not None
        while (line := self.process.stdout.readline()) and text not in line:
            pass
        assert text in line, self.process.communicate()[1]
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        self.children = [os.pidfd_open(int(child)) for child in found]

    def end(self) -> tuple[int, str, str]:
        """(code, what it said, errors); nothing of it is left."""
        out, errors = self.process.communicate(timeout=30)
        for child in self.children:
            assert select.select([child], [], [], 20)[0], "a process is left behind"
        assert list(self.folder.glob("revproxy-demo-*")) == []
        return self.process.returncode, out, errors

    def close(self) -> None:
        for child in self.children:
            os.close(child)
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[type]:
    started: list[Demo] = []

    def start(http: int, smtp: int) -> Demo:
        started.append(Demo(tmp_path, "--http", f"{LOCAL}:{http}", "--smtp", f"{LOCAL}:{smtp}"))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two that were free a moment ago."""
    with socket.create_server((LOCAL, 0)) as one, socket.create_server((LOCAL, 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


@pytest.mark.parametrize("when", ["ready: ", "Records: "])
def test_ctrl_c(demo, ports: tuple[int, int], when: str) -> None:
    one = demo(*ports)
    one.until(when)
    assert len(one.children) == 4, "two internal servers, a broker, a worker"
    one.process.send_signal(signal.SIGINT)
    code, out, errors = one.end()
    assert (code, errors) == (0, "")
    assert "could not be driven" not in out


def test_a_port_in_use(demo, ports: tuple[int, int]) -> None:
    with socket.create_server((LOCAL, 0)) as taken:
        port = taken.getsockname()[1]
        code, out, errors = demo(ports[0], port).end()
    assert (code, out) == (2, "")
    assert f"listener mail cannot listen on {LOCAL}:{port}: Address already in use" in errors
    assert "Traceback" not in errors
