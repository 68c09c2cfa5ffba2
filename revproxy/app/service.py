"""`revproxy run`: the supervisor with our preparation."""

from __future__ import annotations

import sys
from collections.abc import Callable

from revproxy.app.prepare import Prepared, prepare
from revproxy.config.load import load
from revproxy.runtime import Plan, supervise

WORKER = (sys.executable, "-P", "-m", "revproxy.app.worker")
"""How the supervisor starts a worker; the channel's descriptor follows. -P: no module is taken from the folder in
which somebody happened to start us."""


def prepare_file(file: str) -> Prepared:
    """Load a configuration and build everything that can fail. Raises LocatedError, ManyErrors."""
    loaded = load(file)
    return prepare(loaded.settings, loaded.blame)


def run(file: str, announce: Callable[[str], None]) -> int:
    """Serve until told to stop; the exit code."""
    return supervise(Plan(prepare=lambda: prepare_file(file), worker=WORKER, file=file, announce=announce))


def control_path(file: str) -> str:
    """The control socket that a configuration names. Raises LocatedError, ManyErrors."""
    return load(file).settings.control.path
