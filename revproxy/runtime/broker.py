"""The broker's process: told on its standard input what may be connected to, given workers on its control socket.

It ends when the supervisor and all workers are gone: while a supervisor is missing, workers still need it, and so
does the next supervisor, to which it gives what the last one has left (`legacy`). What it does for workers is
`net.egress`'s.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import logging
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

from revproxy.config.users import find_user
from revproxy.net.egress import Broker, Kind, Target, as_plain, from_plain, is_name, receive
from revproxy.runtime.legacy import Kept
from revproxy.runtime.messages import configure
from revproxy.runtime.sandbox import NotConfined, Reach, Walls, begin, broker_calls, confine

_log = logging.getLogger("revproxy.egress")
MOST_PACKET = 4096
"""Bytes of a message on the control socket, both ways."""
_OWN = 64
"""Descriptors that the process itself may need."""
_MOST_UNDER_WAY = 4096
_ENOUGH = 2**20
_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True, slots=True)
class Errand:
    """What a broker is started for; goes to it as JSON, on a descriptor that is its standard input."""

    targets: tuple[Target, ...]
    workers: int
    """So many are expected: the descriptors are divided among them."""
    level: str
    who: str = "broker"
    sandbox: bool = False
    required: bool = False
    user: str | None = None
    """Whom it becomes where it is root."""
    beat: float = 1.0
    """Seconds between two signs of life."""

    def encode(self) -> bytes:
        """As it is sent."""
        return json.dumps({**asdict(self), "targets": as_plain(self.targets)}).encode()

    @classmethod
    def decode(cls, data: bytes) -> Errand:
        """Back. Raises ValueError, KeyError, TypeError for what `encode` did not make."""
        fields = json.loads(data)
        return cls(**{**fields, "targets": from_plain(fields["targets"])})

    @property
    def names(self) -> bool:
        """Whether a name server has to be asked for any of them."""
        return any(is_name(target) for target in self.targets)


def share(limit: int, workers: int) -> int:
    """How many requests of each worker may be under way: two generations' worth of workers share the descriptors."""
    return max(16, min(_MOST_UNDER_WAY, (limit - _OWN) // (2 * max(1, workers))))


def _more_descriptors() -> int:
    """As many as the system lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most != resource.RLIM_INFINITY else _ENOUGH


_RESOLVER_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf")
_DNS = 53
_WATCH_SECONDS = 5.0
_BEAT = b'{"event": "beat"}'


def walls_of(errand: Errand) -> Walls:
    """What the broker is left with: connecting, to the declared ports, and asking for names where there are any."""
    local = any(target.kind is Kind.LOCAL for target in errand.targets)
    ports = [target.port for target in errand.targets if target.kind is Kind.TCP]
    reach = Reach(read=_RESOLVER_FILES if errand.names else (), ports=(*ports, *([_DNS] if errand.names else [])))
    return Walls(reach, lambda pid: broker_calls(pid, errand.names, local), find_user(errand.user), errand.required)


def _files() -> list[tuple[int, int]]:
    """Which files the resolver reads: those of the same name may be others by and by."""
    found = []
    for name in _RESOLVER_FILES:
        with suppress(OSError):
            seen = os.stat(name)
            found.append((seen.st_dev, seen.st_ino))
    return found


class Service:
    """The broker and its control socket."""

    def __init__(self, errand: Errand, control: socket.socket, most: int) -> None:
        control.setblocking(False)
        self._errand = errand
        self._control = control
        self._broker = Broker(errand.targets, most, self._gone)
        self._orphan = False
        self._kept = Kept()
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Until nobody needs it. Raises NotConfined."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._over.set)
        files = _files() if self._errand.names else []
        missing = self._confine()
        loop.add_reader(self._control.fileno(), self._readable)
        self._tell({"event": "ready", "missing": missing})
        tasks = [asyncio.ensure_future(self._beat())]
        if self._errand.sandbox and files:
            tasks.append(asyncio.ensure_future(self._watch(files)))
        try:
            await self._over.wait()
        finally:
            for task in tasks:
                task.cancel()
            self._broker.close()
            self._kept.forget()
            self._control.close()

    def _confine(self) -> tuple[str, ...]:
        if not self._errand.sandbox:
            return ()
        if self._errand.names:
            # What the resolver loads late: its modules, and the codec of names.
            codecs.lookup("idna")
            with suppress(OSError):
                socket.getaddrinfo("localhost", 1)
        return confine(walls_of(self._errand))

    async def _beat(self) -> None:
        while not self._orphan:
            await asyncio.sleep(self._errand.beat)
            # A supervisor that is held up does not have to be told of every one.
            with suppress(OSError):
                self._control.send(_BEAT)

    async def _watch(self, files: list[tuple[int, int]]) -> None:
        """End when a file of the resolver was replaced: only another process may read the new one. While there is no
        supervisor nobody would start that one, and what is left for the next would be lost."""
        unchanged = True
        while unchanged or self._orphan:
            await asyncio.sleep(_WATCH_SECONDS)
            unchanged = _files() == files
        _log.info("the resolver's files have changed: another broker begins")
        self._over.set()

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError as error:
            _log.warning("the supervisor cannot be told: %s", error)

    def _gone(self, worker: int, broken: bool) -> None:
        if broken:
            self._tell({"event": "broken", "worker": worker})
        self._end_if_useless()

    def _end_if_useless(self) -> None:
        if self._orphan and not self._broker.workers:
            self._over.set()

    def _readable(self) -> None:
        """What the supervisor says; or its end."""
        try:
            data, number = receive(self._control, MOST_PACKET)
        except BlockingIOError:
            return
        except OSError:
            data, number = b"", None
        if data:
            self._take(json.loads(data), number)
            return
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._orphan = True
        self._kept.offer()
        self._end_if_useless()

    def _take(self, message: dict[str, Any], number: int | None) -> None:
        """A worker with its socket, something that the supervisor would leave, or that it leaves nothing any more."""
        if number is None:
            self._kept.forget()
            self._tell({"event": "forgot"})
        elif "worker" in message:
            self._broker.add(socket.socket(fileno=number), int(message["worker"]))
        else:
            self._kept.take(str(message["name"]), number)


def run_broker(number: int) -> int:
    """Be a broker with that control socket; the exit code."""
    for ignored in _IGNORED:
        signal.signal(ignored, signal.SIG_IGN)
    errand = Errand.decode(sys.stdin.buffer.read())
    configure(errand.level, errand.who)
    if errand.sandbox:
        begin()
    service = Service(errand, socket.socket(fileno=number), share(_more_descriptors(), errand.workers))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(service.run())
        except NotConfined as error:
            _log.error("%s", error)
            return 1
    return 0
