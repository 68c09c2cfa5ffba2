"""The broker's work: requests in, connected sockets out, over one SEQPACKET socket for each worker.

Invariants:
- a worker is answered on its own socket only, and nothing of one worker is ever seen by another;
- what a worker can make us hold is bounded: for each target as many requests under way as are declared, together no
  more than its share of the descriptors, each for as long as it asked for and an answer that it does not take for
  ANSWER_SECONDS;
- whoever sends anything but a request is not heard any more, and named to the owner;
- a descriptor that somebody sends us is not received: it is closed by the kernel.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from revproxy.errors import WireError
from revproxy.net.egress.addresses import Addresses, Outside, Place, Unresolved
from revproxy.net.egress.targets import Kind, Target
from revproxy.net.egress.wire import MOST_BYTES, Answer, Request, Status, read_request, write_answer

_log = logging.getLogger("revproxy.egress")
ANSWER_SECONDS = 5.0
"""How long an answer may wait until its worker takes it."""
_BATCH = 16
"""Requests of one worker that are read in one go, before others have their turn."""
_QUEUE_BYTES = 16 * 1024
"""Answers that wait in the kernel: descriptors in flight are limited for each user."""
_TYPES = {Kind.TCP: socket.SOCK_STREAM, Kind.UDP: socket.SOCK_DGRAM, Kind.LOCAL: socket.SOCK_DGRAM}


class Broker:
    """All workers of one generation, and what they may ask for."""

    def __init__(self, targets: Sequence[Target], most: int, gone: Callable[[int, bool], None]) -> None:
        """`most` requests of one worker may be under way; `gone` is told of each worker that is not served any more,
        and whether it broke the wire."""
        self._targets = [(target, Addresses(target)) for target in targets]
        self._most = most
        self._gone = gone
        self._lines: dict[int, _Line] = {}

    @property
    def workers(self) -> int:
        """Those that are connected."""
        return len(self._lines)

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        return not any(line.busy for line in self._lines.values())

    def add(self, sock: socket.socket, worker: int) -> None:
        """Serve a worker on this socket from now on; it is ours."""
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _QUEUE_BYTES)
        line = self._lines[sock.fileno()] = _Line(self, sock, worker)
        line.open()

    def close(self) -> None:
        """Answer nobody any more."""
        for line in list(self._lines.values()):
            line.close()

    async def connect(self, request: Request) -> socket.socket | Answer:
        """A connected socket, or why there is none."""
        target, addresses = self._targets[request.target]
        try:
            async with asyncio.timeout(request.milliseconds / 1000):
                places = await addresses.places()
                # Half of it for each but the last: a first address that is silent must not use up all of it.
                return await connected(target.kind, places, request.milliseconds / 2000)
        except TimeoutError:
            return Answer(request.number, Status.LATE)
        except Unresolved:
            return Answer(request.number, Status.UNRESOLVED)
        except Outside:
            _log.error("%s leads out of the networks that are declared for it; refused", target.name)
            return Answer(request.number, Status.OUTSIDE)
        except OSError as error:
            return Answer(request.number, Status.REFUSED, error.errno or errno.EIO)

    def refusal(self, request: Request, under_way: Counter[int]) -> Status | None:
        """Why a request is not even tried; None when it is."""
        if request.target >= len(self._targets):
            return Status.UNKNOWN
        if under_way[request.target] >= self._targets[request.target][0].most or under_way.total() >= self._most:
            return Status.BUSY
        return None

    def gone(self, number: int, worker: int, broken: bool) -> None:
        """A worker's socket closed, or is not to be listened to any more."""
        self._lines.pop(number, None)
        if broken:
            # The supervisor says which process that is, and ends it.
            _log.warning("worker %d sent what is no request; it is not served any more", worker)
        self._gone(worker, broken)


class _Line:
    """One worker's socket."""

    def __init__(self, broker: Broker, sock: socket.socket, worker: int) -> None:
        self._broker = broker
        self._sock = sock
        self._number = sock.fileno()
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._under_way: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending = asyncio.Lock()
        self._waiting = 0
        """Answers for which there is no room; nothing is read meanwhile."""

    @property
    def busy(self) -> bool:
        """Whether anything is under way for it."""
        return bool(self._tasks)

    def open(self) -> None:
        """Say that a broker begins, and listen."""
        self._work(self._send(Answer(0, Status.ANEW), None))
        self._loop.add_reader(self._number, self._readable)

    def close(self, broken: bool = False) -> None:
        """Hear no more of it, and give up what is under way."""
        self._loop.remove_reader(self._number)
        self._loop.remove_writer(self._number)
        for task in self._tasks:
            task.cancel()
        self._sock.close()
        self._broker.gone(self._number, self._worker, broken)

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                data = self._sock.recv(MOST_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            try:
                self._take(read_request(data))
            except WireError:
                self.close(broken=True)
                return

    def _take(self, request: Request) -> None:
        refused = self._broker.refusal(request, self._under_way)
        if refused is not None:
            self._work(self._send(Answer(request.number, refused), None))
            return
        self._under_way[request.target] += 1
        self._work(self._serve(request))

    def _work(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, request: Request) -> None:
        try:
            found = await self._broker.connect(request)
            if isinstance(found, Answer):
                await self._send(found, None)
                return
            with found:
                await self._send(Answer(request.number, Status.CONNECTED), found)
        finally:
            self._under_way[request.target] -= 1

    def _try(self, answer: Answer, sock: socket.socket | None) -> bool:
        """Send it now; False: there is no room."""
        try:
            socket.send_fds(self._sock, [write_answer(answer)], [sock.fileno()] if sock is not None else [])
        except BlockingIOError:
            return False
        except OSError as error:
            if sock is not None and error.errno == errno.ETOOMANYREFS:
                return self._try(Answer(answer.number, Status.REFUSED, errno.ETOOMANYREFS), None)
            # The worker is gone; reading says so too.
        return True

    async def _send(self, answer: Answer, sock: socket.socket | None) -> None:
        """Wait for room, in turn; what is not taken in time is forgotten."""
        if not self._waiting and self._try(answer, sock):
            return
        self._waiting += 1
        self._loop.remove_reader(self._number)
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._sending:
                while not self._try(answer, sock):
                    await _writable(self._sock)
        except TimeoutError:
            _log.warning("worker %d does not take its answers", self._worker)
        finally:
            self._waiting -= 1
            if not self._waiting and self._sock.fileno() >= 0:
                self._loop.add_reader(self._number, self._readable)


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    room, number = loop.create_future(), sock.fileno()
    loop.add_writer(number, _settle, room)
    try:
        await room
    finally:
        loop.remove_writer(number)


def _settle(room: asyncio.Future[None]) -> None:
    if not room.done():
        room.set_result(None)


async def connected(kind: Kind, places: Sequence[Place], seconds: float) -> socket.socket:
    """Connect to the first that answers, within `seconds` each but the last one, whose OSError is raised."""
    for family, place in places[:-1]:
        try:
            async with asyncio.timeout(seconds):
                return await _connected(kind, family, place)
        except OSError:
            # TimeoutError is one: the next address has its chance.
            continue
    return await _connected(kind, *places[-1])


async def _connected(kind: Kind, family: socket.AddressFamily, place: Any) -> socket.socket:
    sock = socket.socket(family, _TYPES[kind] | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        # Not by the loop, which would resolve once more what are addresses.
        error = sock.connect_ex(place)
        if error == errno.EINPROGRESS:
            await _writable(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
    except BaseException:
        sock.close()
        raise
    return sock
