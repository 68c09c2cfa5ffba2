"""Where records end up: a file, a FIFO, stdout, a syslog server, or nowhere.

A sink is used by one thread, which may block in it. `write` takes whole records (JSON, no line end) and answers how
many of them were lost; it never raises. Opening raises ConfigError for a file that cannot work, so that it is found
before the first accept; a FIFO without a reader and a syslog server that is away are tried again while records come.
Nothing here queues, encodes, warns or counts over time.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from revproxy.audit.syslog import RETRY_SECONDS, Connect, SyslogSink, connect
from revproxy.errors import ConfigError, Location

_PIPE_BUF = select.PIPE_BUF
"""A write up to this long into a pipe is not mixed with those of other workers (POSIX)."""
_FILE_BATCH = 256 * 1024
_STALL_SECONDS = 1.0
"""How long a sink waits for a reader of a full pipe before it says so and looks whether it shall give up."""
_NO_READER = "nobody reads this FIFO"


class Sink(Protocol):
    """The writer thread's view of a log. `trouble` says why it does not work now; it is empty when it does."""

    trouble: str

    def write(self, records: Sequence[bytes]) -> int:
        """Write all records in order; the number that was lost. An empty batch only opens what is not open yet."""
        ...

    def reopen(self) -> str:
        """After a rotation: open the same name again. Keeps what is open when that fails, and says why."""
        ...

    def close(self) -> None:
        """Give back what is open; a blocked `write` in another thread ends soon after."""
        ...


def _silent(_: str) -> None:
    """Nobody wants to know of a stall."""


Open = Callable[[str], "int | None"]
"""Opens a log by its path, as `open_log` does."""


def _opened(_: str, path: str) -> int | None:
    return open_log(path)


@dataclass(frozen=True, slots=True)
class Ways:
    """How sinks come by descriptors after the start. A process that may not open or connect is given other ways."""

    open: Callable[[str, str], int | None] = _opened
    """(kind, path) -> what `open_log` gives, for a log that was opened before. May block, raises ConfigError."""
    connect: Connect = connect
    """Where a syslog server is (`HOST:PORT` or a path) -> a connected datagram socket. May block, raises OSError."""


class FdSink:
    """A file, a FIFO or stdout: one `os.write` for a batch."""

    def __init__(self, path: str | None, stalled: Callable[[str], None] = _silent, again: Open | None = None) -> None:
        """`path` None is stdout; `stalled` is called while a write waits for a reader; `again` opens the path later,
        when this process may not. Raises ConfigError."""
        self.trouble = ""
        self._path = path
        self._stalled = stalled
        self._broken = False
        self._closed = False
        self._retry_at = float("-inf")
        self._open = again or open_log
        self._fd: int | None = 1 if path is None else open_log(path)
        if self._fd is None:
            self._postpone(_NO_READER)
        self._inspect()

    def _inspect(self) -> None:
        self._regular = self._fd is not None and _is_regular(self._fd)
        self._most = _FILE_BATCH if self._regular else _PIPE_BUF

    def _postpone(self, trouble: str) -> None:
        self.trouble = trouble
        self._retry_at = time.monotonic() + RETRY_SECONDS

    def write(self, records: Sequence[bytes]) -> int:
        if self._fd is None and not self._open_late():
            return len(records)
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

    def _open_late(self) -> bool:
        if self._path is None or time.monotonic() < self._retry_at:
            return False
        try:
            self._fd = self._open(self._path)
        except ConfigError as error:
            self._postpone(error.message)
            return False
        if self._fd is None:
            self._postpone(_NO_READER)
            return False
        self._inspect()
        self.trouble = ""
        return True

    def _write_batch(self, batch: list[bytes]) -> int:
        data = b"\n".join(batch) + b"\n"
        if self._broken:
            # The last write ended inside a record: what follows begins on a line of its own.
            data = b"\n" + data
        done = self._write_bytes(data)
        self._broken = (done > 0 or self._broken) and data[done - 1 : done] != b"\n"
        if done == len(data):
            self.trouble = ""
            return 0
        return len(batch) - data[:done].lstrip(b"\n").count(b"\n")

    def _write_bytes(self, data: bytes) -> int:
        """How much of it was written."""
        fd = self._fd
        if fd is None:
            return 0
        view = memoryview(data)
        done = 0
        while done < len(data):
            if not self._regular and not self._writable(fd):
                break
            try:
                done += os.write(fd, view[done:])
            except BlockingIOError:
                # Another worker was quicker.
                continue
            except OSError as error:
                self.trouble = self._why(error)
                break
        return done

    def _why(self, error: OSError) -> str:
        if error.errno == errno.EPIPE:
            return "its reader is gone" if self._path is None else _NO_READER
        return os.strerror(error.errno or errno.EIO)

    def _writable(self, fd: int) -> bool:
        """Wait for room in a pipe; false when the sink is closed meanwhile."""
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        while not self._closed:
            # A reader that is gone shows as an error, and `os.write` tells which.
            if poll.poll(_STALL_SECONDS * 1000):
                return True
            self._stalled("its reader does not keep up")
        self.trouble = "its reader does not keep up"
        return False

    def reopen(self) -> str:
        if self._path is None:
            return ""
        try:
            fresh = self._open(self._path)
        except ConfigError as error:
            return error.message
        if fresh is None:
            return _NO_READER
        old, self._fd = self._fd, fresh
        self._inspect()
        self._broken = False
        if old is not None:
            os.close(old)
        return ""

    def close(self) -> None:
        self._closed = True
        if self._path is not None and self._fd is not None:
            os.close(self._fd)
            self._fd = None


def open_log(path: str) -> int | None:
    """A descriptor; None for a FIFO that nobody reads yet. Raises ConfigError."""
    # Non-blocking, because opening a FIFO that nobody reads would wait for ever.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(path, flags, 0o640)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENXIO and _is_fifo(path):
            return None
        reason = error.strerror if isinstance(error, OSError) else error
    raise ConfigError(f"the log cannot be opened: {reason}", Location(path)) from None


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _is_regular(fd: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False


def open_sink(to: str, kind: str, stalled: Callable[[str], None] = _silent, ways: Ways | None = None) -> Sink | None:
    """The sink of a `Log.to`; None for "none". `stalled` is called while it waits. Raises ConfigError."""
    ways = ways or Ways()
    word, _, rest = to.partition(":")
    match word:
        case "none":
            return None
        case "stdout":
            return FdSink(None, stalled)
        case "file" if rest:
            return FdSink(rest, stalled, lambda path: ways.open(kind, path))
        case "syslog" if rest:
            return SyslogSink(rest, kind, stalled, ways.connect)
    raise ConfigError(
        f"no such log target: {to!r}",
        Location("logs"),
        hint="file:PATH, stdout, syslog:HOST:PORT, syslog:/dev/log or none",
    )
