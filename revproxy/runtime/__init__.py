"""Floor 8, below `app`: supervisor, workers, reload, drain, control socket, admin listener.

`app.service` calls `supervise(Plan(...))` and exits with what it returns; `app.worker` calls `run_worker`.
The names are loaded when they are asked for: who only asks over the control socket has no need of a supervisor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from revproxy.lazily import loader

if TYPE_CHECKING:
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

__getattr__ = loader(
    __name__,
    {
        "foreground": ("supervise",),
        "parts": ("Build", "Cell", "Plan", "Prepare", "Prepared", "Timing", "WorkerParts"),
        "rehearsal": ("rehearse",),
        "sockets": ("BACKLOG",),
        "worker": ("run_worker",),
    },
)
