"""The queues between the data path and the logs.

The data path appends an encoded line and goes on: it never waits, whatever the log does. A thread for each kind
drains its queue in batches; a log that blocks holds only its own thread. When `queue_records` wait, new ones are
dropped and counted, and the operator is told (`faults`). Nothing here knows what is in a record.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from revproxy.audit.faults import Faults
from revproxy.audit.sinks import Sink, Ways, open_sink

_WAKE_SECONDS = 0.05
"""The writer looks at its queue so often, or earlier when a quarter of the queue is used."""
_BATCH_RECORDS = 2_000


class Log(Protocol):
    """What `config.Log` offers: a target and how many records may wait."""

    @property
    def to(self) -> str: ...

    @property
    def queue_records(self) -> int: ...


class Channel:
    """One kind of record: its queue, its sink, its writer thread."""

    __slots__ = (
        "_closing",
        "_failed",
        "_faults",
        "_log",
        "_most",
        "_queue",
        "_refused",
        "_reopen",
        "_seen",
        "_sink",
        "_thread",
        "_wake",
        "_wake_at",
        "_ways",
        "kind",
    )

    def __init__(self, kind: str, log: Log, prompt: bool = False, ways: Ways | None = None) -> None:
        """`prompt`: the writer is woken by the first record that waits, as somebody reads the log meanwhile."""
        self._ways = ways
        self.kind = kind
        self._log = log
        # A log to "none" takes nothing and counts nothing as dropped: `put` sees a queue of no length.
        self._most = 0 if log.to == "none" else log.queue_records
        self._wake_at = 0 if prompt else max(1, self._most // 4)
        self._queue: deque[bytes] = deque()
        self._wake = threading.Event()
        self._sink: Sink | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._reopen = False
        # Two counters, because each is written by one thread only.
        self._refused = 0
        self._failed = 0
        self._seen = 0
        self._faults = Faults(kind, log.to, lambda: self.dropped)

    @property
    def dropped(self) -> int:
        """Records that were lost: no room in the queue, or the log did not take them."""
        return (self._refused if self._most else 0) + self._failed

    @property
    def waiting(self) -> int:
        """Records that are not written yet."""
        return len(self._queue)

    def put(self, line: bytes) -> None:
        """Take an encoded record (no line end); called for every transaction."""
        waiting = len(self._queue)
        if waiting >= self._most:
            self._refused += 1
            return
        self._queue.append(line)
        if waiting == self._wake_at:
            self._wake.set()

    def open(self) -> None:
        """Open the log, which may be done before other rights go. Raises ConfigError for a file that cannot work."""
        if self._sink is None:
            self._sink = open_sink(self._log.to, self.kind, self._faults.tell, self._ways)

    def start(self) -> None:
        """Open the log, where that was not done yet (it raises the same), and start the writer."""
        self.open()
        if self._sink is None:
            return
        self._thread = threading.Thread(target=self._run, args=(self._sink,), name=f"log-{self.kind}", daemon=True)
        self._thread.start()

    def _run(self, sink: Sink) -> None:
        # A server that is away is told before its first record is lost.
        self._drain(sink)
        while True:
            closing = self._closing
            if self._reopen:
                self._reopen = False
                self._renew(sink)
            while self._queue:
                self._drain(sink)
            if closing:
                return
            if sink.trouble:
                self._drain(sink)
            self._wake.wait(_WAKE_SECONDS)
            self._wake.clear()

    def _drain(self, sink: Sink) -> None:
        take = self._queue.popleft
        batch = [take() for _ in range(min(len(self._queue), _BATCH_RECORDS))]
        self._failed += sink.write(batch)
        refused = self._refused
        self._faults.tell(sink.trouble or ("more records come than it takes" if refused != self._seen else ""))
        self._seen = refused

    def _renew(self, sink: Sink) -> None:
        trouble = sink.reopen()
        if trouble:
            self._faults.reopen_failed(trouble)

    def reopen(self) -> None:
        """Open the log's file again; the writer does it before its next batch."""
        self._reopen = True
        self._wake.set()

    def close(self, timeout: float) -> None:
        """Write what waits, for at most `timeout` seconds; what waits then is counted as dropped."""
        self._closing = True
        self._wake.set()
        if self._thread is None or self._sink is None:
            if self._sink is not None:
                self._sink.close()
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            # Blocked in its log. The daemon thread keeps the sink until the process ends.
            self._failed += len(self._queue)
            self._queue.clear()
        else:
            self._sink.close()
        self._thread = None


class Records:
    """The logs of one worker. Made and started after the fork: threads do not survive it."""

    __slots__ = ("_channels", "access", "audit", "error")

    def __init__(self, access: Log, audit: Log, error: Log | None = None, ways: Ways | None = None) -> None:
        """`ways`: how descriptors are come by after the start, where not directly."""
        self._channels = [Channel("access", access, ways=ways), Channel("audit", audit, ways=ways)]
        # Bound methods as attributes: one call less for each record.
        self.access: Callable[[bytes], None] = self._channels[0].put
        """`access(line: bytes) -> None`: take an encoded access record."""
        self.audit: Callable[[bytes], None] = self._channels[1].put
        """`audit(line: bytes) -> None`: take an encoded audit record."""
        self.error: Callable[[bytes], None] | None = None
        """`error(line: bytes) -> None`: take a line of the error log; None where nobody wants one."""
        if error is not None and error.to != "none":
            self._channels.append(Channel("error", error, True, ways))
            self.error = self._channels[2].put

    def open(self) -> None:
        """Open the logs, without starting a thread; ConfigError for a file that cannot be opened."""
        self._each(Channel.open)

    def start(self) -> None:
        """Open the logs, where that was not done yet, and start the writers; raises the same."""
        self._each(Channel.start)

    def _each(self, do: Callable[[Channel], None]) -> None:
        for number, channel in enumerate(self._channels):
            try:
                do(channel)
            except BaseException:
                for done in self._channels[:number]:
                    done.close(1.0)
                raise

    @property
    def dropped(self) -> dict[str, int]:
        """Lost records by kind, since the start."""
        return {channel.kind: channel.dropped for channel in self._channels}

    @property
    def waiting(self) -> dict[str, int]:
        """Records that are not written yet, by kind."""
        return {channel.kind: channel.waiting for channel in self._channels}

    def reopen(self) -> None:
        """After a rotation (SIGUSR1). Safe in a signal handler of the loop: it only sets a flag."""
        for channel in self._channels:
            channel.reopen()

    def close(self, timeout: float = 2.0) -> None:
        """Write what waits and stop; at most `timeout` seconds for each log. May be called twice."""
        for channel in self._channels:
            channel.close(timeout)
