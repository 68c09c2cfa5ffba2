"""Landlock on this kernel: what is named stays within reach, nothing else."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revproxy.runtime.sandbox import landlock
from revproxy.runtime.sandbox.kernel import machine

pytestmark = pytest.mark.skipif(machine() is None, reason="needs x86_64 or aarch64")
Locked = Callable[..., Any]
CODE = """
from revproxy.runtime.sandbox import kernel, landlock
reach = Reach(read=({folder!r} + "/read", {folder!r} + "/nothing"), own=({folder!r} + "/own",), ports=({port},))
landlock.restrict(kernel.machine(), reach)
os.chdir({folder!r})
def connect(port):
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", port))
def bind():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
"""


def needs(version: int) -> None:
    this = machine()
    assert this is not None
    if landlock.version(this) < version:
        pytest.skip(f"needs Landlock {version}")


@pytest.fixture
def code(tmp_path: Path) -> str:
    for name in ("read", "own", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    with socket.create_server(("127.0.0.1", 0)) as free:
        return CODE.format(folder=str(tmp_path), port=free.getsockname()[1])


def test_files(code: str, locked: Locked, tmp_path: Path) -> None:
    needs(3)
    code += """
say([
    open("read/file").read(), tries(lambda: open("read/file", "a")), tries(lambda: os.unlink("read/file")),
    tries(lambda: open("own/new", "w").close()), tries(lambda: os.unlink("own/file")),
    tries(lambda: os.mkdir("own/x")), tries(lambda: os.symlink("a", "own/link")),
    tries(lambda: open("other/file")), tries(lambda: os.listdir("other")),
    tries(lambda: os.truncate("other/file", 0)), tries(lambda: os.execv("/bin/sh", ["sh"])),
])
"""
    assert locked(code) == ["read", "EACCES", "EACCES", "possible", "possible", *["EACCES"] * 6]
    assert (tmp_path / "other/file").read_text() == "other"


def test_ports(code: str, locked: Locked) -> None:
    needs(4)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code += f"say([tries(lambda: connect(reach.ports[0])), tries(lambda: connect({port})), tries(bind)])"
        assert locked(code) == ["ECONNREFUSED", "EACCES", "EACCES"]


def test_signals(code: str, locked: Locked) -> None:
    needs(6)
    assert locked(
        code + "say([tries(lambda: os.kill(os.getppid(), 0)), tries(lambda: os.kill(os.getpid(), 0))])"
    ) == [
        "EPERM",
        "possible",
    ]


@pytest.mark.parametrize(("have", "count"), [(0, 4), (1, 3), (4, 1), (7, 0)])
def test_what_a_kernel_lacks_is_told(monkeypatch: pytest.MonkeyPatch, have: int, count: int) -> None:
    monkeypatch.setattr(landlock, "version", lambda _: have)
    this = machine()
    assert this is not None
    assert len(landlock.lacking(this)) == count
