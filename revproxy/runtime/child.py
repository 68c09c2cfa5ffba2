"""One worker process as the supervisor sees it: started by exec, spoken to over its channel, ended by signals.

Never fork without exec: the supervisor runs threads. A child has three certain facts: `ready` (or why not),
`ended` (its exit code), `snapshot` (the last metrics that it sent).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from signal import Signals
from typing import Any

from revproxy.audit.metrics import checked
from revproxy.errors import PeerClosed, PeerTimeout, RevproxyError
from revproxy.runtime import channel
from revproxy.runtime.parcel import Parcel

_log = logging.getLogger("revproxy.child")


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class WorkerFailed(RevproxyError):
    """A worker could not build its parts, could not start, or died meanwhile; the text tells why."""


class Child:
    """A worker process. Make one with `spawn`."""

    def __init__(self, index: int, process: asyncio.subprocess.Process, streams: _Streams) -> None:
        self.index = index
        self.pid = process.pid
        self.born = time.monotonic()
        self.silent = 0
        """Beats missed; whoever watches counts up, every frame sets it to 0."""
        self.told = False
        """Whether it was told to accept ..."""
        self.accepting = False
        """... and has said that it does."""
        self.line = 0
        """The number of its way to the broker ..."""
        self.hand = 0
        """... and of that by which it comes by log files."""
        self.missing: tuple[str, ...] = ()
        """What its sandbox lacks."""
        self.snapshot: dict[str, Any] | None = None
        self._process = process
        self.held: frozenset[str] = frozenset()
        """The pieces of rules in force that it holds ..."""
        self.beside: frozenset[str] = frozenset()
        """... and those of rules that are staged."""
        self._reader, self._writer = streams
        self._sending = asyncio.Lock()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Task[int] = loop.create_task(self._live())

    @classmethod
    async def spawn(
        cls, argv: Sequence[str], environment: Mapping[str, str], hello: bytes, fds: Sequence[int], index: int
    ) -> Child:
        """Start one. `hello` is the first frame; `fds` are inherited under the same numbers. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(), *fds),
                stdin=subprocess.DEVNULL,
                env=dict(environment),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        child = cls(index, process, await asyncio.open_unix_connection(sock=ours))
        child._writer.write(hello)
        return child

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.born

    async def send(self, payloads: Iterable[bytes]) -> None:
        """Send frames behind the last message; no other one comes in between. When not all of it could be sent it is
        of no use any more, and killed. Raises ConnectionError."""
        async with self._sending:
            await self._send(payloads)

    async def _send(self, payloads: Iterable[bytes]) -> None:
        try:
            for payload in payloads:
                self._writer.write(channel.length_of(payload))
                self._writer.write(payload)
                await self._writer.drain()
        except BaseException:
            self.signal(Signals.SIGKILL)
            raise

    async def ready(self) -> None:
        """Return when its parts are built. Raises WorkerFailed."""
        await asyncio.shield(self._ready)

    async def load(self, parcel: Parcel, timeout: float, staged: bool = False) -> None:
        """Have it make these rules ready, to be swapped in or `staged`. Raises what `ask` raises."""
        names = parcel.missing(self.held | self.beside)
        frames = (parcel.prepared, *parcel.frames(names))
        await self.ask("load", timeout, frames, pieces=names, ruleset=parcel.ruleset_name, staged=staged)

    async def stage(self, parcel: Parcel, timeout: float) -> None:
        """Have it judge by the rules that it has made ready as well. Raises what `ask` raises."""
        await self.ask("stage", timeout)
        self.beside = frozenset(parcel.pieces)

    async def unstage(self, timeout: float) -> None:
        """Have it judge by no others. Raises what `ask` raises."""
        self.beside = frozenset()
        await self.ask("unstage", timeout)

    async def swap(self, parcel: Parcel, timeout: float) -> None:
        """Have it put in force the rules that it has made ready. Raises what `ask` raises."""
        await self.ask("swap", timeout)
        self.held = frozenset(parcel.pieces)

    async def ask(self, do: str, timeout: float, frames: Sequence[bytes] = (), **details: Any) -> Any:
        """Have something done and return the result; `frames` go behind the question.

        Raises PeerClosed, PeerTimeout or WorkerFailed.
        """
        if self._writer.is_closing() or self.ended.done():
            raise PeerClosed(f"worker {self.pid} is gone")
        self._next += 1
        number = self._next
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(timeout):
                async with self._sending:
                    self._writer.write(channel.encode({"id": number, "do": do, **details}))
                    await self._send(frames)
                return await answer
        except TimeoutError:
            raise PeerTimeout(f"worker {self.pid} did not answer {do} within {timeout:g} s") from None
        except ConnectionError:
            raise PeerClosed(f"worker {self.pid} is gone") from None
        finally:
            del self._answers[number]

    async def go(self, timeout: float) -> None:
        """Let it accept. Raises what `ask` raises."""
        self.told = True
        await self.ask("go", timeout)
        self.accepting = True

    async def drain(self, seconds: float, grace: float) -> None:
        """Have it stop accepting, finish what it has begun and end; returns as soon as it has stopped."""
        self.accepting = False
        with suppress(PeerClosed, PeerTimeout, WorkerFailed):
            await self.ask("drain", grace, seconds=seconds)

    async def end(self, seconds: float, grace: float) -> None:
        """Return when it has ended; made to when it takes longer."""
        if not await self._ended_within(seconds + grace):
            await self.kill(Signals.SIGTERM, grace)

    async def kill(self, number: Signals, grace: float) -> None:
        """Send the signal, and SIGKILL when it has not ended after `grace` seconds. Returns when it has ended."""
        self.signal(number)
        if not await self._ended_within(grace):
            _log.error("worker %d does not end on %s; killed", self.pid, number.name)
            self.signal(Signals.SIGKILL)
            await asyncio.shield(self.ended)

    async def _ended_within(self, seconds: float) -> bool:
        return bool((await asyncio.wait([self.ended], timeout=seconds))[0])

    def signal(self, number: Signals) -> None:
        """Send a signal; nothing when it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _live(self) -> int:
        """Read until the channel closes, then wait for the end of the process."""
        try:
            while True:
                self._take(await channel.read_message(self._reader))
        except RevproxyError:
            # Its end; or nothing that can be read, and then it is heard no more.
            pass
        except (LookupError, TypeError, ValueError):
            # Whoever is in it may not heed any other signal.
            _log.error("worker %d says what no worker of ours says; killed", self.pid)
            self.signal(Signals.SIGKILL)
        self._writer.close()
        code = await self._process.wait()
        gone = WorkerFailed(f"worker {self.pid} ended ({cause(code)})")
        if not self._ready.done():
            self._ready.set_exception(gone)
            self._ready.exception()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(gone)
        return code

    def _take(self, message: dict[str, Any]) -> None:
        self.silent = 0
        if "snapshot" in message:
            self.snapshot = checked(message["snapshot"])
        if "id" in message:
            self._answered(message)
        elif message["event"] == "ready" and not self._ready.done():
            self.missing = tuple(map(str, message.get("missing", ())))
            self._ready.set_result(None)
        elif message["event"] == "failed" and not self._ready.done():
            self._ready.set_exception(WorkerFailed(f"worker {self.pid}: {message['error']}"))
            self._ready.exception()

    def _answered(self, message: dict[str, Any]) -> None:
        answer = self._answers.get(message["id"])
        if answer is None or answer.done():
            return
        if message["ok"]:
            answer.set_result(message.get("result"))
        else:
            answer.set_exception(WorkerFailed(f"worker {self.pid}: {message['error']}"))


def cause(code: int) -> str:
    """An exit code of `subprocess` in words."""
    if code < 0:
        with suppress(ValueError):
            return f"killed by {Signals(-code).name}"
    return f"exit code {code}"
