"""The demo's internal servers as processes of their own, so that one can be stopped and started again.

Each prints one JSON line with its addresses once it accepts, and ends when its standard input is a pipe that ends
(its parent is gone) or on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from revproxy.demo.mail import Mailbox
from revproxy.demo.web import application
from revproxy.errors import RevproxyError

COMMAND = (sys.executable, "-P", "-m", "revproxy", "demo-inside")
"""How one is started, from any folder: with -P no module is taken from that folder."""
_SECONDS_TO_END = 10.0
_SECONDS_FOR_REQUESTS = 0.5
"""For requests under way when it is told to end."""


class InsideError(RevproxyError):
    """An internal server of the demo did not start."""


@asynccontextmanager
async def _site(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """The application being served; the port. Raises OSError."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SECONDS_FOR_REQUESTS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _told() -> asyncio.Event:
    """Set by SIGTERM, SIGINT or the end of standard input, where that is a pipe. Before anybody knows that we run."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if _has_parent():
        loop.add_reader(0, lambda: None if os.read(0, 4096) else over.set())
    return over


def _has_parent() -> bool:
    """Whether somebody may hold the other end of standard input; of a terminal, a file or /dev/null nobody does."""
    if sys.stdin is None:  # It was closed: descriptor 0 is something of ours by now.
        return False
    mode = os.fstat(0).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


async def serve_web(host: str, port: int, mailbox: str) -> None:
    """The internal web application."""
    over = _told()
    async with _site(application(mailbox), host, port) as bound:
        print(json.dumps({"web": bound}), flush=True)  # noqa: T201 - the parent reads it
        await over.wait()


async def serve_mail(host: str, port: int, tell: int) -> None:
    """The internal mail server, and beside it the address at which it tells what it holds."""
    over, mailbox = _told(), Mailbox()
    server = await asyncio.get_running_loop().create_server(mailbox.protocol, host, port)
    try:
        async with _site(mailbox.application(), host, tell) as told:
            bound = server.sockets[0].getsockname()[1]
            print(json.dumps({"mail": bound, "tell": told}), flush=True)  # noqa: T201 - the parent reads it
            await over.wait()
    finally:
        server.close()


@dataclass(slots=True)
class Inside:
    """A running internal server."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]

    @classmethod
    def start(cls, *arguments: str) -> Inside:
        """Start `revproxy demo-inside ARGUMENTS`; returns once it accepts. Raises InsideError."""
        command = [*COMMAND, *arguments]
        # A session of its own: a terminal's Ctrl-C is for the front end, which still needs this one while it drains.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        inside = cls(process, {})
        try:
            assert process.stdout is not None  # it is a pipe
            line = process.stdout.readline()
            if not line:
                raise InsideError(f"the demo's internal server did not start: {' '.join(arguments)}")
            inside.ports = json.loads(line)
        except BaseException:
            inside.stop()
            raise
        return inside

    def stop(self) -> None:
        """End it and wait for its end; it need not run any more."""
        self.process.terminate()
        try:
            self.process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
