"""The sandbox of workers and broker: what they keep when they begin to meet hostile bytes.

`walls` is all of it; `kernel`, `program`, `landlock` and `privileges` speak to the kernel, `allowed` has the lists.
"""

from revproxy.runtime.sandbox.allowed import broker_calls, worker_calls
from revproxy.runtime.sandbox.landlock import Reach
from revproxy.runtime.sandbox.privileges import DEFAULT_USERS, User, find_user
from revproxy.runtime.sandbox.walls import NotConfined, Walls, begin, confine, lacking, program_folders

__all__ = [
    "DEFAULT_USERS",
    "NotConfined",
    "Reach",
    "User",
    "Walls",
    "begin",
    "broker_calls",
    "confine",
    "find_user",
    "lacking",
    "program_folders",
    "worker_calls",
]
