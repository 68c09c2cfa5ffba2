"""`revproxy run`: the supervisor with our preparation, and its workers with our parts."""

from __future__ import annotations

import sys
from collections.abc import Callable

from revproxy.app.build import build
from revproxy.app.prepare import Prepared, prepare
from revproxy.config.load import load
from revproxy.runtime import Plan, run_worker, supervise

WORKER = (sys.executable, "-P", "-m", "revproxy", "worker-process")
"""How the supervisor starts a worker; the channel's descriptor follows. -P: no module is taken from the folder in
which somebody happened to start us."""


def prepare_file(file: str) -> Prepared:
    """Load a configuration and build everything that can fail. Raises LocatedError, ManyErrors."""
    loaded = load(file)
    return prepare(loaded.settings, loaded.blame)


def run(file: str, announce: Callable[[str], None]) -> int:
    """Serve until told to stop; the exit code."""
    return supervise(Plan(prepare=lambda: prepare_file(file), worker=WORKER, file=file, announce=announce))


def worker_process(channel: int) -> int:
    """Be a worker on the channel with that descriptor; the exit code."""
    return run_worker(build, channel)


def control_path(file: str) -> str:
    """The control socket that a configuration names. Raises LocatedError, ManyErrors."""
    return load(file).settings.control.path
