"""Records as RFC 5424 messages in datagrams: UDP (RFC 5426) or the local socket, one for each record.

A server that is not there stops nobody: the socket is made by the writer thread when there is something to write, and
again after RETRY_SECONDS when that failed. What comes meanwhile is lost and counted. Nothing here queues or warns.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from revproxy.errors import ConfigError, Location

RETRY_SECONDS = 5.0
"""How long a server that could not be reached is left alone."""
_SEND_SECONDS = 1.0
"""How long a full local socket is waited for, for each record."""
_FACILITY_LOCAL0 = 16
_SEVERITY = {"access": 6, "audit": 4, "error": 3}


def _silent(_: str) -> None:
    """Nobody wants to know of a stall."""


class SyslogSink:
    """A syslog server. `trouble` says why it does not work now; it is empty when it does."""

    def __init__(
        self, where: str, kind: str, stalled: Callable[[str], None] = _silent, connecting: Connect | None = None
    ) -> None:
        """`where` is `HOST:PORT` or the path of a socket; `kind` is "access", "audit" or "error".

        `stalled` is called while a write waits; `connecting` connects instead of us. Raises ConfigError for a port
        that is none.
        """
        self.trouble = ""
        self._where = where
        self._local = where.startswith("/")
        if not self._local:
            _endpoint(where)
        self._connecting = connecting or connect
        self._stalled = stalled
        self._priority = f"<{_FACILITY_LOCAL0 * 8 + _SEVERITY[kind]}>1 "
        self._tail = f" {_ascii(socket.gethostname())} revproxy {os.getpid()} {kind} - "
        self._socket: socket.socket | None = None
        self._retry_at = self._refused_at = float("-inf")

    def write(self, records: Sequence[bytes]) -> int:
        """Send all; the number that was lost. An empty batch only connects."""
        if self._socket is None and not self._connect():
            return len(records)
        if not records:
            return 0
        now = time.time()
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
        head = f"{self._priority}{stamp}{self._tail}".encode("ascii")
        failed = [reason for reason in (self._send(head + record) for record in records) if reason]
        if failed:
            self.trouble = failed[-1]
        elif time.monotonic() - self._refused_at >= RETRY_SECONDS:
            # A refusal over UDP shows with a later datagram only: one that went out proves little.
            self.trouble = ""
        return len(failed)

    def _send(self, message: bytes) -> str:
        """Why a record was lost; empty when it is on its way."""
        if self._socket is None:
            return self.trouble
        try:
            self._socket.send(message)
        except ConnectionRefusedError as error:
            self._refused_at = time.monotonic()
            if self._local:
                return self._again(message)
            # The network reports here that an earlier datagram was refused: that one is lost, this one may not be.
            self._try(message)
            return _reason(error)
        except ConnectionError:
            return self._again(message)
        except TimeoutError:
            self._stalled("the server does not take its records")
            return "the server does not take its records"
        except OSError as error:
            return self._again(message) if error.errno == errno.ENOTCONN else _reason(error)
        return ""

    def _again(self, message: bytes) -> str:
        """A local daemon that was restarted has a new socket."""
        self.close()
        self._retry_at = float("-inf")
        if not self._connect():
            return self.trouble
        self._refused_at = float("-inf")
        return self._try(message)

    def _try(self, message: bytes) -> str:
        if self._socket is None:
            return self.trouble
        try:
            self._socket.send(message)
        except OSError as error:
            return _reason(error)
        return ""

    def _connect(self) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        try:
            self._socket = self._connecting(self._where)
            self._socket.settimeout(_SEND_SECONDS)
        except (OSError, ValueError) as error:
            # ValueError: a name that no encoding of the resolver takes.
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self.trouble = _reason(error)
            return False
        self.trouble = ""
        return True

    def reopen(self) -> str:
        """Connect anew with the next record: the server's name may mean another address by now."""
        self.close()
        self._retry_at = float("-inf")
        return ""

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _endpoint(where: str) -> tuple[str, int]:
    host, _, port = where.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigError("this is no HOST:PORT", Location(f"syslog:{where}"))
    return host.strip("[]"), int(port)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _ascii(name: str) -> str:
    """A HOSTNAME of RFC 5424 6.2.4: printable ASCII, or the nil value."""
    return name if name and name.isascii() and name.isprintable() and " " not in name else "-"


def connect(where: str) -> socket.socket:
    """A datagram socket to `HOST:PORT` or a path. Raises OSError, ValueError for a name that no resolver takes."""
    return _local(where) if where.startswith("/") else _network(*_endpoint(where))


Connect = Callable[[str], socket.socket]
"""What `connect` does."""


def _local(path: str) -> socket.socket:
    return _connected(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), path)


def _network(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    return _connected(socket.socket(family, kind, proto), address)


def _connected(made: socket.socket, target: tuple[Any, ...] | str) -> socket.socket:
    try:
        made.settimeout(_SEND_SECONDS)
        made.connect(target)
    except BaseException:
        made.close()
        raise
    return made
