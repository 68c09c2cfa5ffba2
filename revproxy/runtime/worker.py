"""Inside a worker: build, say ready, accept when told to, answer, drain, end.

Ends with 0 when it was drained, also on SIGTERM; a second SIGTERM ends it at once. When the supervisor is gone (its
channel closed) it goes on serving, and drains when the bell is rung, or after `orphan_seconds` (`legacy`).
Everything that can fail does so before `ready`. What the parts do is not known here.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import os
import pickle
import signal
import socket
import sys
import time
from collections.abc import Coroutine, MutableMapping
from contextlib import suppress
from typing import Any

import uvloop

from revproxy.audit.metrics import Metrics, merge
from revproxy.config.settings import Settings
from revproxy.config.users import find_user
from revproxy.errors import PeerClosed, RevproxyError
from revproxy.runtime import channel
from revproxy.runtime.allocator import settle
from revproxy.runtime.hands import Hand
from revproxy.runtime.messages import configure
from revproxy.runtime.parts import Build, Cell, Hello, Prepared, WorkerParts
from revproxy.runtime.probe import Probe, memory_bytes
from revproxy.runtime.sandbox import Reach, Walls, begin, confine, program_folders, worker_calls
from revproxy.runtime.threads import in_thread
from revproxy.runtime.unnamed import Stored

_log = logging.getLogger("revproxy.worker")
SETTLE = 0.1
"""Seconds between the end of accepting and the drain: a connection that was accepted in the last turn of the loop is
known to the parts only some turns later, and would be cut off unheard."""
SWITCH = 0.0001
"""Seconds that a thread which computes keeps the interpreter while the loop waits: one that makes rules ready, or
inspects what is large. An exchange waits for its turn several times."""
BEATS_PER_SNAPSHOT = 5
"""So much of the counters is lost at most when a worker is killed."""
_CONGESTED = 64 * 1024
_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""A terminal and a service manager send these to the whole group; the supervisor speaks for them."""


class Worker:
    """One worker's life. `serve` is all of it."""

    def __init__(self, hello: Hello, prepared: Prepared, writer: asyncio.StreamWriter) -> None:
        self._descriptors = hello.descriptors
        self._interval = hello.beat
        self._drain_seconds = prepared.settings.drain_seconds
        self._orphan_seconds = prepared.settings.orphan_seconds
        self._bell = hello.bell
        self._hung = hello.hung
        self._began = time.time()
        self._own = own_metrics(prepared.ruleset_name, self._began)
        self._made: tuple[str, Any] | None = None
        """The name of a rule set that is ready to be swapped in, and what the parts made of it."""
        self._writer = writer
        self._missing: tuple[str, ...] = ()
        """What the sandbox lacks."""
        self._lags = Metrics()
        """Apart from the others, which a swap makes anew."""
        self._probe = Probe(self._lags.histogram("revproxy_loop_late_seconds"))
        self._parts: WorkerParts | None = None
        self._started = False
        self._draining: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, parts: WorkerParts, reader: asyncio.StreamReader) -> None:
        """Live until drained."""
        self._parts = parts
        gc.collect()
        gc.freeze()
        gc.enable()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._terminated)
        self._send({"event": "ready", "missing": self._missing})
        for work in (self._beat(), self._probe.run(), self._listen(reader)):
            self._spawn(work)
        await self._over.wait()
        for task in self._tasks:
            task.cancel()
        await self._finish()

    def cell(self, hello: Hello, settings: Settings) -> Cell:
        """What the parts are given; `lock` locks this process in."""
        egress = socket.socket(fileno=hello.egress) if hello.egress is not None else None
        if hello.hand is None:
            return Cell(settings.spool, egress)

        def lock() -> None:
            self._missing = lock_in(settings)

        return Cell(".", egress, Hand(socket.socket(fileno=hello.hand)), lock)

    async def fail(self, error: Exception) -> None:
        """Tell the supervisor why there will be no `ready`."""
        self._send({"event": "failed", "error": f"{error}" or type(error).__name__})
        await self._flush()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A bug in what keeps a worker going ends it: it is replaced, instead of going on half alive."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the worker ends", exc_info=error)
            self._over.set()

    def _send(self, message: dict[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(channel.encode(message))

    async def _flush(self) -> None:
        with suppress(ConnectionError):
            await self._writer.drain()
            self._writer.close()
            await self._writer.wait_closed()

    def _snapshot(self) -> dict[str, Any]:
        assert self._parts is not None
        self._own.gauge("revproxy_memory_bytes", memory_bytes())
        self._own.gauge("revproxy_loop_lag_seconds", self._probe.lag())
        return merge([self._parts.snapshot(), self._own.snapshot(), self._lags.snapshot()])

    async def _beat(self) -> None:
        count = 0
        while True:
            # Wound up again with each beat. When it runs down the kernel ends us: a loop that stands still ends even
            # where the supervisor is gone, which would have done so long before.
            signal.setitimer(signal.ITIMER_REAL, self._hung)
            await asyncio.sleep(self._interval)
            count += 1
            if self._writer.transport.get_write_buffer_size() > _CONGESTED:
                continue
            message: dict[str, Any] = {"event": "beat"}
            if self._started and count % BEATS_PER_SNAPSHOT == 0:
                message["snapshot"] = self._snapshot()
            self._send(message)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Do what the supervisor says; drain when it is gone."""
        try:
            while True:
                message = await channel.read_message(reader)
                if message["do"] == "load":
                    data = await channel.read_frame(reader, channel.MOST_HELLO)
                    pieces = await channel.read_pieces(reader, message["pieces"])
                    # Beside: others ask how we are meanwhile.
                    self._spawn(self._obey(message | {"prepared": data, "pieces": pieces}))
                    del data, pieces
                else:
                    await self._obey(message)
                del message
        except PeerClosed:
            if not self._over.is_set() and self._draining is None:
                self._orphaned()

    def _orphaned(self) -> None:
        """Go on until another supervisor's workers serve; nobody was told to accept yet: end."""
        if self._bell is None or not self._started:
            _log.warning("the supervisor is gone; draining")
            self._drain(self._drain_seconds)
            return
        _log.warning("the supervisor is gone; serving on for %g s at most", self._orphan_seconds)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._bell, self._succeeded, "others serve now; draining")
        loop.call_later(self._orphan_seconds, self._succeeded, "nobody came in place of the supervisor; draining")

    def _succeeded(self, why: str) -> None:
        assert self._bell is not None
        asyncio.get_running_loop().remove_reader(self._bell)
        if self._draining is None:
            _log.warning("%s", why)
            self._drain(self._drain_seconds)

    async def _obey(self, message: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": message["id"], "ok": True}
        try:
            answer |= await self._do(message)
        except Exception as error:  # noqa: BLE001 - reported to the supervisor, which decides
            _log.exception("%s failed", message["do"])
            answer |= {"ok": False, "error": f"{error}" or type(error).__name__}
        self._send(answer)

    async def _do(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._parts is not None
        match message["do"]:
            case "go":
                await self._go(self._parts)
            case "status":
                return {"result": self._parts.status()}
            case "metrics":
                return {"snapshot": self._snapshot()}
            case "load":
                await self._load(self._parts, message)
            case "swap":
                self._swap(self._parts)
            case "stage":
                self._parts.stage(self._taken()[1])
            case "unstage":
                self._parts.stage(None)
            case "staged":
                return {"result": self._parts.staged()}
            case "reopen":
                self._parts.reopen_logs()
            case "drain":
                self._drain(float(message["seconds"]))
        return {}

    async def _load(self, parts: WorkerParts, message: dict[str, Any]) -> None:
        """Make rules ready in a thread; what was made ready before and never swapped in goes."""
        self._made = None
        data, pieces = message.pop("prepared"), message.pop("pieces")
        # The loop would wait for a look at all objects that are made.
        gc.disable()
        try:
            make = parts.load_staged if message.get("staged") else parts.load
            self._made = message["ruleset"], await in_thread(lambda: make(pickle.loads(data), pieces))
        finally:
            gc.enable()

    def _taken(self) -> tuple[str, Any]:
        if self._made is None:
            raise PeerClosed("there is nothing to swap in")
        taken, self._made = self._made, None
        return taken

    def _swap(self, parts: WorkerParts) -> None:
        name, made = self._taken()
        parts.swap(made)
        self._own = own_metrics(name, self._began)

    async def _go(self, parts: WorkerParts) -> None:
        if self._draining is not None:
            raise PeerClosed("the worker is draining")
        sockets = {name: socket.socket(fileno=number) for name, number in self._descriptors.items()}
        for sock in sockets.values():
            sock.set_inheritable(False)
        self._started = True
        try:
            await parts.start(sockets)
        except BaseException:
            self._started = False
            raise

    def _drain(self, seconds: float) -> None:
        """Stop accepting now, and end when what is under way has finished."""
        if self._draining is not None:
            return
        if self._started and self._parts is not None:
            self._parts.stop_accepting()
        self._draining = self._spawn(self._drained(seconds))

    async def _drained(self, seconds: float) -> None:
        assert self._parts is not None
        try:
            if self._started:
                await asyncio.sleep(SETTLE)
                async with asyncio.timeout(seconds + 1.0):
                    await self._parts.drain(seconds)
        except TimeoutError:
            _log.warning("draining took too long; what is left is cut")
        finally:
            self._over.set()

    def _terminated(self) -> None:
        if self._draining is not None:
            self._over.set()
        self._drain(self._drain_seconds)

    async def _finish(self) -> None:
        """Records are flushed before the last counters are sent: what was dropped is in them."""
        assert self._parts is not None
        await self._parts.close()
        self._send({"event": "final", "snapshot": self._snapshot()})
        await self._flush()


def lock_in(settings: Settings) -> tuple[str, ...]:
    """Lock this process in as a worker; what is missing of it. Its folder is the spool from now on. Raises
    NotConfined, OSError."""
    # The last file that is opened by its name; measured from it later.
    memory_bytes()
    # Reached by no path any more: above it others may have no right to look.
    os.chdir(settings.spool)
    reach = Reach(program_folders(), (settings.spool,))
    return confine(Walls(reach, worker_calls, find_user(settings.user), settings.require_sandbox))


def own_metrics(ruleset_name: str, began: float) -> Metrics:
    """The numbers that every worker has, whatever its parts are."""
    metrics = Metrics()
    metrics.gauge("revproxy_workers", 1)
    metrics.gauge("revproxy_start_time_seconds", began)
    metrics.gauge("revproxy_ruleset_info", 1, (ruleset_name,))
    return metrics


async def _main(
    build: Build, hello: Hello, prepared: Prepared, pieces: MutableMapping[str, bytes], sock: socket.socket
) -> int:
    reader, writer = await asyncio.open_unix_connection(sock=sock)
    configure(prepared.settings.logs.level, f"worker {hello.generation}.{hello.index}")
    worker = Worker(hello, prepared, writer)
    try:
        parts = build(prepared, hello.index, pieces, worker.cell(hello, prepared.settings))
        # Megabytes that the parts have taken what they need from.
        del hello, prepared, pieces
        await worker.serve(parts, reader)
    except Exception as error:  # noqa: BLE001 - the supervisor decides what follows
        # Errors of our own tree are for a person to mend, anything else is a bug.
        _log.error("the worker failed: %s", error, exc_info=not isinstance(error, RevproxyError))
        await worker.fail(error)
        return 1
    return 0


def run_worker(build: Build, number: int) -> int:
    """Run a worker on the channel with that descriptor; returns its exit code.

    SIGABRT (what the supervisor sends to one that hangs) writes the stack of every thread to stderr first.
    """
    faulthandler.enable()
    settle()
    sys.setswitchinterval(SWITCH)
    # Until it is built: all of it stays, and looking for garbage in it takes a while.
    gc.disable()
    for ignored in _IGNORED:
        signal.signal(ignored, signal.SIG_IGN)
    sock = socket.socket(fileno=number)
    hello: Hello = pickle.loads(channel.receive_frame(sock, channel.MOST_HELLO))
    prepared: Prepared = pickle.loads(hello.prepared)
    pieces = Stored(hello.stored, hello.pieces) if hello.stored is not None else {}
    if prepared.settings.sandbox:
        begin()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_main(build, hello, prepared, pieces, sock))
