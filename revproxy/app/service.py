"""`revproxy run`: the supervisor with our preparation."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from revproxy.app.order import SETTLE
from revproxy.app.prepare import prepare
from revproxy.app.prepared import Prepared
from revproxy.app.staged import staged_now
from revproxy.config.loading import load
from revproxy.detection.link import Told, unheard
from revproxy.runtime import Plan, Prepare, rehearse, supervise

WORKER = (sys.executable, "-P", "-m", "revproxy.app.worker")
"""How the supervisor starts a worker; the channel's descriptor follows. -P: no module is taken from the folder in
which somebody happened to start us."""
BROKER = (*WORKER[:-1], "revproxy.app.broker")
"""Likewise the broker."""

UPDATE = (sys.executable, "-P", "-m", "revproxy.app.update")
"""How its timer starts an update; the configuration's path follows."""

MEND = (sys.executable, "-P", "-m", "revproxy.app.whole")
"""Likewise what links rules anew that were linked onto others."""


def _program() -> tuple[str, ...]:
    """What starts this program, as it is installed by then: the script by its path, which may be another one then and
    name another interpreter; without a script, this interpreter."""
    script = os.path.abspath(sys.argv[0])
    if os.path.basename(script) != "__main__.py" and os.access(script, os.X_OK):
        return (script,)
    return (sys.executable, "-P", "-m", "revproxy")


def _plan(prepare: Prepare, file: str, announce: Callable[[str], None]) -> Plan:
    program, path = _program(), os.path.abspath(file)
    return Plan(
        prepare,
        worker=WORKER,
        file=file,
        broker=BROKER,
        announce=announce,
        update=(*UPDATE, path),
        staged=staged_now,
        settle=(*UPDATE, path, SETTLE),
        program=(*program, "run", "-c", path),
        proof=(*program, "check", "--start", "-c", path),
        mend=(*MEND, path),
    )


def prepare_file(file: str, told: Told = unheard) -> Prepared:
    """Load a configuration and build everything that can fail. Raises LocatedError, ManyErrors."""
    loaded = load(file)
    return prepare(loaded.settings, loaded.blame, told)


def run(file: str, announce: Callable[[str], None], told: Told = unheard) -> int:
    """Serve until told to stop; the exit code."""
    return supervise(_plan(lambda: prepare_file(file, told), file, announce))


def try_start(prepared: Prepared, file: str) -> tuple[str, ...]:
    """Start a broker and a worker, and end them; what is missing of the sandbox. Raises RevproxyError."""
    return asyncio.run(rehearse(_plan(lambda: prepared, file, lambda _line: None), prepared))


def control_path(file: str) -> str:
    """The control socket that a configuration names. Raises LocatedError, ManyErrors."""
    return load(file).settings.control.path
