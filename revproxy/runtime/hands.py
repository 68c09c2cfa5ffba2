"""Log files for workers that may not open any: the supervisor opens them, and hands the descriptors over.

A worker asks by the kind of log, never by a path, on a SEQPACKET socket of its own; it waits for the answer in the
thread that writes the log. The supervisor opens what its own configuration says, one at a time for each worker and no
more often than every PAUSE seconds, so that a worker can make it do little.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import select
import socket
import threading
from contextlib import suppress

from revproxy.audit.sinks import open_log
from revproxy.config.settings import LOG_KINDS, Logs
from revproxy.errors import ConfigError, Location
from revproxy.net.egress import receive
from revproxy.runtime.threads import in_thread

_log = logging.getLogger("revproxy.supervisor")
PAUSE = 0.02
"""Seconds between two openings for one worker."""
_MOST_QUESTION = 16
_MOST_ANSWER = 1024
_WAIT_MILLISECONDS = 5_000


class Hand:
    """A worker's side. `open` may be called by several threads."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._turn = threading.Lock()

    def open(self, kind: str, path: str) -> int | None:
        """A descriptor of that log; None for a FIFO that nobody reads yet. Raises ConfigError."""
        with self._turn:
            try:
                self._forget()
                self._sock.send(kind.encode("ascii"))
                answer, number = self._answer()
            except (OSError, ValueError, LookupError) as error:
                raise ConfigError(f"the log cannot be opened: {error}", Location(path)) from None
        if answer:
            raise ConfigError(answer, Location(path))
        return number

    def _forget(self) -> None:
        """An answer that came too late is not the one to this question."""
        with suppress(BlockingIOError):
            while (late := receive(self._sock, _MOST_ANSWER))[0]:
                if late[1] is not None:
                    os.close(late[1])

    def _answer(self) -> tuple[str, int | None]:
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        if not poll.poll(_WAIT_MILLISECONDS):
            raise TimeoutError(errno.ETIMEDOUT, "the supervisor does not answer")
        data, number = receive(self._sock, _MOST_ANSWER)
        return str(json.loads(data)["error"]), number


class Hands:
    """The supervisor's side, for the workers of one generation."""

    def __init__(self, logs: Logs) -> None:
        targets = {kind: getattr(logs, kind).to.partition(":") for kind in LOG_KINDS}
        self._paths = {kind.encode(): path for kind, (word, _, path) in targets.items() if word == "file"}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._socks: dict[int, socket.socket] = {}
        self._next = 0

    def line(self) -> tuple[int, socket.socket]:
        """A socket for a worker, and its number. Close the socket here once the worker has it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._next += 1
        self._socks[self._next] = ours
        self._tasks[self._next] = asyncio.create_task(self._serve(ours))
        return self._next, theirs

    def drop(self, number: int) -> None:
        """Its worker has ended."""
        task, sock = self._tasks.pop(number, None), self._socks.pop(number, None)
        if task is not None:
            task.cancel()
        if sock is not None:
            sock.close()

    def close(self) -> None:
        """Serve nobody any more."""
        for number in list(self._tasks):
            self.drop(number)

    async def _serve(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while question := await loop.sock_recv(sock, _MOST_QUESTION + 1):
                await self._give(sock, question)
                await asyncio.sleep(PAUSE)

    async def _give(self, sock: socket.socket, question: bytes) -> None:
        number, trouble = None, ""
        path = self._paths.get(question)
        if path is None:
            _log.error("a worker asks for a log that there is not")
            trouble = "there is no such log"
        else:
            try:
                number = await in_thread(lambda: open_log(path))
            except ConfigError as error:
                trouble = error.message
        try:
            with suppress(BlockingIOError):
                answer = json.dumps({"error": trouble[: _MOST_ANSWER // 8]}).encode()
                socket.send_fds(sock, [answer], [number] if number is not None else [])
        finally:
            if number is not None:
                os.close(number)
