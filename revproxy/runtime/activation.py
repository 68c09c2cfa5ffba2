"""Listening sockets that a service manager has bound for us: sd_listen_fds(3).

Which listener each belongs to is `sockets.Keeper`'s to find out, by its address.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final

_COUNT, _PID, _NAMES = "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"
VARIABLES: Final = (_COUNT, _PID, _NAMES)
FIRST: Final = 3
"""The first descriptor of them."""


def given(environment: MutableMapping[str, str] = os.environ) -> list[socket.socket]:
    """The sockets; none where they are meant for another process. Takes the variables out of the environment.

    Raises OSError for a descriptor that is none, or no socket.
    """
    count, pid = environment.get(_COUNT, ""), environment.get(_PID, "")
    for name in VARIABLES:
        environment.pop(name, None)
    if pid != str(os.getpid()) or not (count.isascii() and count.isdecimal()):
        return []
    sockets = [socket.socket(fileno=number) for number in range(FIRST, FIRST + int(count))]
    for sock in sockets:
        sock.set_inheritable(False)
    return sockets
