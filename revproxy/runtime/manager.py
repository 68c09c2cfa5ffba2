"""Telling a service manager how the supervisor is: the datagrams of sd_notify(3).

Where nobody listens (no NOTIFY_SOCKET) nothing is sent. A manager that cannot be reached is named once in the log; it
is no reason to end. The variables are taken out of the environment: workers are not to speak for the service.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import MutableMapping
from typing import Final

_log = logging.getLogger("revproxy.supervisor")
_SOCKET, _MICROSECONDS, _PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
VARIABLES: Final = (_SOCKET, _MICROSECONDS, _PID)
"""What a service manager puts into the environment."""
_MICRO = 1_000_000


class Manager:
    """The service manager, if there is one."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Takes its variables out of the environment."""
        self.variables = {name: environment.pop(name) for name in VARIABLES if name in environment}
        """They, for another version of the program in this process."""
        name = self.variables.get(_SOCKET, "")
        microseconds, pid = self.variables.get(_MICROSECONDS, ""), self.variables.get(_PID, "")
        mine = not pid or pid == str(os.getpid())
        self.watchdog_seconds = int(microseconds) / _MICRO if microseconds.isdecimal() and mine else 0.0
        """Within which it wants a sign of life; 0: it wants none."""
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if self._is_socket(name) else None
        if self._sock is not None:
            self._sock.setblocking(False)

    @staticmethod
    def _is_socket(name: str) -> bool:
        if name and not name.startswith(("/", "@")):
            _log.warning("%s is no local socket: %s; nobody is told how the service is", _SOCKET, name)
        return name.startswith(("/", "@"))

    def ready(self, status: str) -> None:
        """It serves, from now on or again."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it, whatever came of it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=reloading")

    def stopping(self, seconds: float) -> None:
        """It drains, for at most so long."""
        self._tell("STOPPING=1", f"EXTEND_TIMEOUT_USEC={round(seconds * _MICRO)}", "STATUS=draining")

    async def watch(self) -> None:
        """Give signs of life until cancelled, twice as often as they are wanted; they stop when the loop does."""
        while self.watchdog_seconds:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / 2)

    def close(self) -> None:
        """Say nothing more."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _tell(self, *assignments: str) -> None:
        if self._sock is None:
            return
        try:
            self._sock.sendto("\n".join(assignments).encode(), self._address)
        except OSError as error:
            _log.warning("the service manager cannot be told how the service is: %s", error)
            self.close()
