"""The sandbox of workers and broker: what they keep when they begin to meet hostile bytes.

`walls` is all of it; `kernel`, `program`, `landlock` and `privileges` speak to the kernel, `allowed` has the lists.
"""

from revproxy.runtime.sandbox.allowed import broker_calls, worker_calls
from revproxy.runtime.sandbox.landlock import Reach
from revproxy.runtime.sandbox.walls import NotConfined, Walls, begin, confine, lacking, program_folders

__all__ = [
    "NotConfined",
    "Reach",
    "Walls",
    "begin",
    "broker_calls",
    "confine",
    "lacking",
    "program_folders",
    "worker_calls",
]
