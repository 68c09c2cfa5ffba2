"""Where records end up: a file, stdout, a syslog server, or nowhere.

A sink is used by one thread, which may block in it. `write` takes whole records (JSON, no line end) and answers how
many of them were lost; it never raises. Opening raises ConfigError, so that a log that cannot work is found before
the first accept. Nothing here queues, encodes or counts over time.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import sys
import time
from collections.abc import Sequence
from typing import Protocol

from revproxy.errors import ConfigError, Location

_PIPE_BUF = select.PIPE_BUF
"""A write up to this long into a pipe is not mixed with those of other workers (POSIX)."""
_FILE_BATCH = 256 * 1024
_STALL_SECONDS = 1.0
"""How long a sink waits for a reader of a full pipe or socket before it looks whether it shall give up."""


class Sink(Protocol):
    """The writer thread's view of a log."""

    def write(self, records: Sequence[bytes]) -> int:
        """Write all records in order; the number that was lost."""
        ...

    def reopen(self) -> None:
        """After a rotation: open the same name again. Keeps what is open when that fails."""
        ...

    def close(self) -> None:
        """Give back what is open; a blocked `write` in another thread ends soon after."""
        ...


class FdSink:
    """A file or stdout: one `os.write` for a batch."""

    def __init__(self, path: str | None) -> None:
        """`path` None is stdout. Raises ConfigError."""
        self._path = path
        self._fd = 1 if path is None else _open(path)
        self._most = _batch_bytes(self._fd)
        self._broken = False
        self._closed = False

    def write(self, records: Sequence[bytes]) -> int:
        lost = 0
        batch: list[bytes] = []
        size = 0
        for record in records:
            if size + len(record) + 1 > self._most and batch:
                lost += self._write_batch(batch)
                batch, size = [], 0
            batch.append(record)
            size += len(record) + 1
        return lost + (self._write_batch(batch) if batch else 0)

    def _write_batch(self, batch: list[bytes]) -> int:
        data = b"\n".join(batch) + b"\n"
        if self._broken:
            # The last write ended inside a record: what follows begins on a line of its own.
            data = b"\n" + data
        done = self._write_bytes(data)
        self._broken = (done > 0 or self._broken) and data[done - 1 : done] != b"\n"
        if done == len(data):
            return 0
        return len(batch) - data[:done].lstrip(b"\n").count(b"\n")

    def _write_bytes(self, data: bytes) -> int:
        """How much of it was written."""
        view = memoryview(data)
        done = 0
        while done < len(data):
            try:
                done += os.write(self._fd, view[done:])
            except BlockingIOError:
                if self._closed:
                    break
                # A stdout that somebody else made non-blocking.
                select.select((), (self._fd,), (), _STALL_SECONDS)
            except OSError:
                break
        return done

    def reopen(self) -> None:
        if self._path is None:
            return
        try:
            fresh = _open(self._path)
        except ConfigError as error:
            sys.stderr.write(f"reopening a log failed, going on with the old file: {error}\n")
            return
        old, self._fd = self._fd, fresh
        self._most = _batch_bytes(fresh)
        self._broken = False
        os.close(old)

    def close(self) -> None:
        self._closed = True
        if self._path is not None:
            os.close(self._fd)


def _open(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        # Non-blocking, because opening a FIFO that nobody reads would wait for ever.
        fd = os.open(path, flags, 0o640)
    except OSError as error:
        reason = "nobody reads this FIFO" if error.errno == errno.ENXIO else error.strerror
        raise ConfigError(f"the log cannot be opened: {reason}", Location(path)) from error
    os.set_blocking(fd, True)
    return fd


def _batch_bytes(fd: int) -> int:
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return _PIPE_BUF
    return _FILE_BATCH if regular else _PIPE_BUF


_FACILITY_LOCAL0 = 16
_SEVERITY = {"access": 6, "audit": 4}


class SyslogSink:
    """RFC 5424 messages as datagrams: UDP (RFC 5426) or the local socket, one for each record."""

    def __init__(self, where: str, kind: str) -> None:
        """`where` is `HOST:PORT` or the path of a socket; `kind` is "access" or "audit". Raises ConfigError."""
        self._where = where
        self._priority = f"<{_FACILITY_LOCAL0 * 8 + _SEVERITY[kind]}>1 "
        self._tail = f" {_ascii(socket.gethostname())} revproxy {os.getpid()} {kind} - "
        self._socket = _connect(where)

    def write(self, records: Sequence[bytes]) -> int:
        now = time.time()
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
        head = f"{self._priority}{stamp}{self._tail}".encode("ascii")
        return sum(not self._send(head + record) for record in records)

    def _send(self, message: bytes) -> bool:
        try:
            self._socket.send(message)
            return True
        except ConnectionRefusedError:
            # UDP reports the refusal of an earlier datagram here; a restarted local daemon has a new socket.
            if self._where.startswith("/"):
                self.reopen()
        except OSError as error:
            if error.errno in (errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE):
                self.reopen()
        try:
            self._socket.send(message)
        except OSError:
            return False
        return True

    def reopen(self) -> None:
        try:
            fresh = _connect(self._where)
        except ConfigError:
            return
        old, self._socket = self._socket, fresh
        old.close()

    def close(self) -> None:
        self._socket.close()


def _ascii(name: str) -> str:
    """A HOSTNAME of RFC 5424 6.2.4: printable ASCII, or the nil value."""
    return name if name and name.isascii() and name.isprintable() and " " not in name else "-"


def _connect(where: str) -> socket.socket:
    try:
        if where.startswith("/"):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            target: str | tuple[str, int] = where
        else:
            host, _, port = where.rpartition(":")
            family, kind, proto, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[
                0
            ]
            made = socket.socket(family, kind, proto)
            target = (str(address[0]), int(address[1]))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the syslog server cannot be reached: {error}", Location(f"syslog:{where}")) from error
    made.settimeout(_STALL_SECONDS)
    try:
        made.connect(target)
    except OSError as error:
        made.close()
        raise ConfigError(f"the syslog server cannot be reached: {error}", Location(f"syslog:{where}")) from error
    return made


def open_sink(to: str, kind: str) -> Sink | None:
    """The sink of a `Log.to`; None for "none". Raises ConfigError."""
    word, _, rest = to.partition(":")
    match word:
        case "none":
            return None
        case "stdout":
            return FdSink(None)
        case "file" if rest:
            return FdSink(rest)
        case "syslog" if rest:
            return SyslogSink(rest, kind)
    raise ConfigError(
        f"no such log target: {to!r}",
        Location("logs"),
        hint="file:PATH, stdout, syslog:HOST:PORT, syslog:/dev/log or none",
    )
