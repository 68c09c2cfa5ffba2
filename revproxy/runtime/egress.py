"""The supervisor's side of a generation's broker: starts it, gives it a socket of each worker, replaces it.

The supervisor keeps a copy of the broker's end of every socket. A worker therefore does not notice that a broker
ended, but for what the next one says first: that it knows of no request, upon which workers repeat theirs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from signal import Signals
from typing import Any

from revproxy.config.settings import Settings
from revproxy.net.egress import targets_of
from revproxy.runtime.broker import MOST_PACKET, Errand
from revproxy.runtime.child import WorkerFailed, cause
from revproxy.runtime.legacy import END, Open, named
from revproxy.runtime.parts import Timing
from revproxy.runtime.unnamed import as_file

_log = logging.getLogger("revproxy.egress")


def errand_of(settings: Settings, who: str, beat: float = 1.0) -> Errand:
    """What a generation's broker is told; `who` stands on its messages, `beat` is in seconds."""
    return Errand(
        targets_of(settings),
        settings.workers,
        settings.logs.level,
        who,
        settings.sandbox,
        settings.require_sandbox,
        settings.broker_user or settings.user,
        beat,
    )


class Egress:
    """One generation's broker. `start`, or `begin` and `ready`; `line` for each worker, `close`."""

    def __init__(
        self,
        errand: Errand,
        argv: Sequence[str],
        broken: Callable[[int], None],
        environment: Mapping[str, str] = os.environ,
        timing: Timing | None = None,
    ) -> None:
        """`argv` starts a broker; `broken` is told the number of a line on which came what is no request."""
        self._errand = errand
        self._argv = tuple(argv)
        self._environment = dict(environment)
        self._timing = timing or Timing()
        self._broken = broken
        self._lines: dict[int, socket.socket] = {}
        self._next = 0
        self._left: list[tuple[str, Open]] = []
        """What it is to keep for another supervisor."""
        self._ungiven: deque[tuple[bytes, Open | None]] = deque()
        self._forgot = asyncio.Event()
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[None] | None = None
        self._keeping: list[asyncio.Task[None]] = []
        self._silent = 0
        self._began = 0.0
        self.missing: tuple[str, ...] = ()
        """What its sandbox lacks."""
        self.restarts = 0

    @property
    def pid(self) -> int:
        """The process; 0 while there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def start(self) -> None:
        """Return when it answers. Raises WorkerFailed, OSError."""
        await self.begin()
        await self.ready()

    async def begin(self) -> None:
        """Start its process; `ready` is to follow. Raises OSError."""
        await self._spawn()

    async def ready(self) -> None:
        """Return when it answers; it is replaced from now on when it ends. Raises WorkerFailed."""
        await self._until_ready()
        self._keeping = [asyncio.create_task(self._keep()), asyncio.create_task(self._watch())]

    def line(self) -> tuple[int, socket.socket]:
        """A socket for a worker, and its number. Close the socket here once the worker has it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._next += 1
        self._lines[self._next] = ours
        self._ungiven.append((_of_worker(self._next), ours))
        self._give()
        return self._next, theirs

    def drop(self, number: int) -> None:
        """Its worker has ended."""
        sock = self._lines.pop(number, None)
        if sock is not None:
            sock.close()

    def leave(self, left: Sequence[tuple[str, Open]]) -> None:
        """Have it keep this for another supervisor, should this one be killed."""
        self._left = list(left)
        self._ungiven += [(named(name), what) for name, what in left]
        self._give()

    async def forget(self) -> None:
        """Have it keep nothing any more; returns when it does not, or does not say so in time."""
        if not self._left:
            return
        self._left = []
        self._ungiven.append((named(END), None))
        self._give()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.answer):
                await self._forgot.wait()

    async def close(self) -> None:
        """End it."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        self._hang_up()
        self.kill_now()
        if self._process is not None:
            await self._process.wait()
        for number in list(self._lines):
            self.drop(number)

    def kill_now(self) -> None:
        """SIGKILL, without waiting."""
        if self.pid:
            # Not by the process object, which would take the exit code from whoever waits for it.
            with suppress(ProcessLookupError):
                os.kill(self.pid, Signals.SIGKILL)

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._began = time.monotonic()
        try:
            with as_file([self._errand.encode()]) as errand:
                self._process = await asyncio.create_subprocess_exec(
                    *self._argv,
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    stdin=errand,
                    stdout=subprocess.DEVNULL,
                    env=self._environment,
                )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        self._control = ours
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        self._silent = 0
        loop.add_reader(ours.fileno(), self._readable)
        self._ungiven = deque((_of_worker(number), line) for number, line in self._lines.items())
        self._ungiven += [(named(name), what) for name, what in self._left]
        self._give()

    async def _until_ready(self) -> None:
        assert self._ready is not None
        assert self._process is not None
        ready, ended = self._ready, asyncio.ensure_future(self._process.wait())
        either: set[asyncio.Future[Any]] = {ready, ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            self._hang_up()
            raise WorkerFailed(f"the broker ended ({cause(ended.result())})")
        ended.cancel()

    def _readable(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(MOST_PACKET)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        try:
            self._take(json.loads(data))
        except (ValueError, LookupError, TypeError, RecursionError):
            # Its end (nothing was read), or nothing that a broker of ours says.
            self._hang_up()
            self.kill_now()

    def _take(self, message: dict[str, Any]) -> None:
        self._silent = 0
        if message["event"] == "ready" and self._ready is not None and not self._ready.done():
            self.missing = tuple(map(str, message["missing"]))
            self._ready.set_result(None)
        elif message["event"] == "forgot":
            self._forgot.set()
        elif message["event"] == "broken":
            self._broken(int(message["worker"]))

    def _hang_up(self) -> None:
        if self._control is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._control.fileno())
            loop.remove_writer(self._control.fileno())
            self._control.close()
            self._control = None

    def _give(self) -> None:
        """Hand over the broker's ends that it does not have; a broker that begins later is given all of them."""
        if self._control is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_writer(self._control.fileno())
        while self._ungiven:
            data, what = self._ungiven[0]
            try:
                # A worker that has ended meanwhile is not to be served.
                if what is None or what.fileno() >= 0:
                    socket.send_fds(self._control, [data], [what.fileno()] if what is not None else [])
            except BlockingIOError:
                loop.add_writer(self._control.fileno(), self._give)
                return
            except OSError as error:
                _log.error("the broker cannot be given what it needs: %s", error)
                self.kill_now()
                return
            self._ungiven.popleft()

    async def _keep(self) -> None:
        """Replace it whenever it ends: at once, and with a pause where that does not help."""
        pause, timing = 0.0, self._timing
        while True:
            assert self._process is not None
            code = await self._process.wait()
            self._hang_up()
            # All requests wait for it; only one that ends again and again is given time.
            pause = timing.pause_after(time.monotonic() - self._began, pause) if self.restarts else 0.0
            _log.error("broker %d ended (%s); a new one in %.1f s", self._process.pid, cause(code), pause)
            await asyncio.sleep(pause)
            while not await self._replaced():
                pause = timing.pause_after(0.0, pause)
                await asyncio.sleep(pause)

    async def _watch(self) -> None:
        """Count missed beats in ticks of our own, as `Generation` does for workers."""
        while True:
            await asyncio.sleep(self._timing.beat)
            if self._ready is None or not self._ready.done():
                # It begins, which has a time of its own.
                continue
            self._silent += 1
            if self._silent == self._timing.beats_missed and self.pid:
                _log.error("broker %d gave no sign of life for %d beats; killed", self.pid, self._silent)
                self.kill_now()

    async def _replaced(self) -> bool:
        self.restarts += 1
        try:
            async with asyncio.timeout(self._timing.ready):
                await self._spawn()
                await self._until_ready()
        except (TimeoutError, WorkerFailed, OSError) as error:
            _log.error("a new broker failed: %s", error or "it was not ready in time")
            self.kill_now()
            return False
        _log.info("broker %d takes its place", self.pid)
        return True


def _of_worker(number: int) -> bytes:
    """What stands beside a worker's socket."""
    return json.dumps({"worker": number}).encode()
