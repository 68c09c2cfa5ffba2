"""A worker's process: what it is started with, and from where."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from revproxy.app import worker
from revproxy.app.build import build
from revproxy.app.service import WORKER


def test_a_worker_is_built_from_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(worker, "run_worker", lambda build, channel: called.append((build, channel)) or 3)
    assert worker.main(["9"]) == 3
    assert called == [(build, 9)]


def test_a_worker_takes_no_module_from_the_folder_it_is_started_in(tmp_path: Path) -> None:
    for name in ("uvloop", "pickle", "revproxy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        argv = [*WORKER, str(theirs.fileno())]
        process = subprocess.Popen(argv, cwd=tmp_path, pass_fds=(theirs.fileno(),), stderr=subprocess.PIPE)
        theirs.close()
        ours.shutdown(socket.SHUT_WR)
        _, said = process.communicate(timeout=60)
    assert process.returncode != 99
    assert str(tmp_path) not in said.decode()
    assert b"the control channel closed" in said


def test_a_worker_imports_nothing_that_it_has_no_use_for() -> None:
    """Each of these takes time before the first accept, and memory in every worker."""
    code = (
        "import sys\n"
        "import revproxy.app.worker\n"
        "found = [name for name in sys.argv[1:] if name in sys.modules]\n"
        "assert not found, found\n"
    )
    useless = ["aiohttp", "click", "rich", "cryptography", "prometheus_client"]
    useless += ["revproxy.detection.seclang", "revproxy.detection.sigyaml", "revproxy.runtime.admin"]
    subprocess.run([sys.executable, "-P", "-c", code, *useless], check=True)
