"""Floor 8: the composition root. `prepare` does all that can fail, `build` plugs a worker together, `run` serves."""

from revproxy.app.build import Parts, build, inspection_of
from revproxy.app.prepare import Prepared, prepare
from revproxy.app.service import WORKER, control_path, prepare_file, run, worker_process

__all__ = [
    "WORKER",
    "Parts",
    "Prepared",
    "build",
    "control_path",
    "inspection_of",
    "prepare",
    "prepare_file",
    "run",
    "worker_process",
]
