"""The supervisor's broker: workers keep their way to it, whatever becomes of its process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from revproxy.app.service import BROKER
from revproxy.net.egress import EgressClient, Kind, Target
from revproxy.runtime.broker import Errand
from revproxy.runtime.child import WorkerFailed
from revproxy.runtime.egress import Egress
from revproxy.runtime.legacy import Legacy
from revproxy.runtime.parts import Timing

SECONDS = 20.0
TARGET = "upstream web"


class Kept:
    """A broker with a supervisor, and the numbers of lines that broke."""

    def __init__(self, port: int) -> None:
        self.errand = Errand((Target(TARGET, Kind.TCP, "127.0.0.1", port, 99),), 2, "info", beat=0.05)
        self.broken: asyncio.Queue[int] = asyncio.Queue()
        self.egress = self.make(BROKER)

    def make(self, argv: tuple[str, ...]) -> Egress:
        timing = Timing(backoff_first=0.01, beat=0.05, beats_missed=40)
        return Egress(self.errand, argv, self.broken.put_nowait, timing=timing)

    def client(self) -> tuple[int, EgressClient]:
        number, sock = self.egress.line()
        client = EgressClient(sock, [TARGET])
        client.start()
        return number, client


@pytest.fixture
async def kept(listening: socket.socket) -> AsyncIterator[Kept]:
    made = Kept(listening.getsockname()[1])
    await made.egress.start()
    yield made
    await made.egress.close()
    assert made.egress.pid == 0


async def test_workers_of_before_and_after_are_served(kept: Kept) -> None:
    for _ in range(2):
        number, client = kept.client()
        (await client.ask(TARGET, SECONDS)).close()
        client.close()
        kept.egress.drop(number)


async def test_sigkill_loses_no_request(kept: Kept) -> None:
    """Those under way are repeated, those that come meanwhile wait; the next broker is there within a second."""
    number, client = kept.client()
    (await client.ask(TARGET, SECONDS)).close()
    dead = kept.egress.pid
    os.kill(dead, signal.SIGSTOP)
    asking = [asyncio.create_task(client.ask(TARGET, SECONDS)) for _ in range(20)]
    await asyncio.sleep(0)
    began = time.monotonic()
    os.kill(dead, signal.SIGKILL)
    asking += [asyncio.create_task(client.ask(TARGET, SECONDS)) for _ in range(20)]
    for sock in await asyncio.gather(*asking):
        sock.close()
    assert time.monotonic() - began < 1.0
    assert kept.egress.pid not in (0, dead)
    assert kept.egress.restarts == 1
    client.close()
    kept.egress.drop(number)


async def test_one_that_hangs_is_replaced(kept: Kept) -> None:
    number, client = kept.client()
    (await client.ask(TARGET, SECONDS)).close()
    os.kill(kept.egress.pid, signal.SIGSTOP)
    (await client.ask(TARGET, SECONDS)).close()
    assert kept.egress.restarts == 1
    client.close()
    kept.egress.drop(number)


async def test_who_breaks_the_wire_is_named(kept: Kept) -> None:
    number, sock = kept.egress.line()
    with sock:
        sock.send(b"no request")
        async with asyncio.timeout(SECONDS):
            assert await kept.broken.get() == number


async def test_more_workers_than_the_queue_takes(kept: Kept) -> None:
    os.kill(kept.egress.pid, signal.SIGSTOP)
    lines = [kept.egress.line() for _ in range(400)]
    os.kill(kept.egress.pid, signal.SIGCONT)
    client = EgressClient(lines[-1][1], [TARGET])
    client.start()
    (await client.ask(TARGET, SECONDS)).close()
    client.close()
    for number, sock in lines:
        sock.close()
        kept.egress.drop(number)


async def test_what_it_kept_for_another_supervisor_is_closed_when_it_forgets(
    kept: Kept, listening: socket.socket, tmp_path: Path
) -> None:
    legacy, address = Legacy(), listening.getsockname()
    with socket.create_server(("127.0.0.1", 0)) as other:
        kept.egress.leave(legacy.left(str(tmp_path / "control"), {"a": listening, "b": other}))
        os.kill(kept.egress.pid, signal.SIGKILL)
        number, client = kept.client()
        (await client.ask(TARGET, SECONDS)).close()
        listening.close()
        # The one that came in its place has it too.
        socket.create_connection(address).close()
        await kept.egress.forget()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
    legacy.close()
    client.close()
    kept.egress.drop(number)


async def test_one_that_cannot_start(kept: Kept) -> None:
    failing = kept.make((sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(WorkerFailed, match="exit code 3"):
        await failing.start()
    await failing.close()


@pytest.mark.parametrize("said", [b"[1]", b"[" * 4000, b'{"event": "broken"}', b'{"event": "ready", "missing": 1}'])
async def test_a_broker_that_talks_nonsense_is_killed(kept: Kept, said: bytes) -> None:
    code = f"import signal, socket, sys; socket.socket(fileno=int(sys.argv[1])).send({said!r}); signal.pause()"
    failing = kept.make((sys.executable, "-c", code))
    with pytest.raises(WorkerFailed, match="SIGKILL"):
        await failing.start()
    await failing.close()
