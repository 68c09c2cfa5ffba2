"""`revproxy run`: the supervisor with our preparation."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from revproxy.app.order import SETTLE
from revproxy.app.prepare import Prepared, prepare
from revproxy.app.staged import staged_now
from revproxy.config.load import load
from revproxy.detection.link import Told, unheard
from revproxy.runtime import Plan, supervise

WORKER = (sys.executable, "-P", "-m", "revproxy.app.worker")
"""How the supervisor starts a worker; the channel's descriptor follows. -P: no module is taken from the folder in
which somebody happened to start us."""
BROKER = (*WORKER[:-1], "revproxy.app.broker")
"""Likewise the broker."""

UPDATE = (sys.executable, "-P", "-m", "revproxy.app.update")
"""How its timer starts an update; the configuration's path follows."""


def prepare_file(file: str, told: Told = unheard) -> Prepared:
    """Load a configuration and build everything that can fail. Raises LocatedError, ManyErrors."""
    loaded = load(file)
    return prepare(loaded.settings, loaded.blame, told)


def run(file: str, announce: Callable[[str], None], told: Told = unheard) -> int:
    """Serve until told to stop; the exit code."""
    plan = Plan(
        lambda: prepare_file(file, told),
        worker=WORKER,
        file=file,
        broker=BROKER,
        announce=announce,
        update=(*UPDATE, os.path.abspath(file)),
        staged=staged_now,
        settle=(*UPDATE, os.path.abspath(file), SETTLE),
    )
    return supervise(plan)


def control_path(file: str) -> str:
    """The control socket that a configuration names. Raises LocatedError, ManyErrors."""
    return load(file).settings.control.path
