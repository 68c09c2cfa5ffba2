"""Floor 8, below `app`: supervisor, workers, reload, drain, control socket, admin listener.

`app.service` calls `supervise(Plan(...))` and exits with what it returns; `app.worker` calls `run_worker`.
"""

from revproxy.runtime.foreground import supervise
from revproxy.runtime.parts import Build, Cell, Plan, Prepare, Prepared, Timing, WorkerParts
from revproxy.runtime.rehearsal import rehearse
from revproxy.runtime.sockets import BACKLOG
from revproxy.runtime.worker import run_worker

__all__ = [
    "BACKLOG",
    "Build",
    "Cell",
    "Plan",
    "Prepare",
    "Prepared",
    "Timing",
    "WorkerParts",
    "rehearse",
    "run_worker",
    "supervise",
]
