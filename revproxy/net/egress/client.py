"""A worker's side: asks the broker for connected sockets.

Requests that a broker took with it when it ended are repeated to the one that takes its place; an answer for which
nobody waits any more is closed. Nothing here can connect.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Iterable

from revproxy.errors import PeerClosed, PeerTimeout, UpstreamError, WireError
from revproxy.net.egress.passing import receive
from revproxy.net.egress.wire import (
    MOST_BYTES,
    MOST_MILLISECONDS,
    Answer,
    Request,
    Status,
    read_answer,
    write_request,
)

_BATCH = 32
"""Answers that are taken in one go."""
_FIRST = struct.Struct("!Q")
_WORDS = {
    Status.LATE: "no connection in time",
    Status.UNRESOLVED: "there is no address by its name",
    Status.OUTSIDE: "its name leads out of the declared networks",
    Status.BUSY: "too many connections are being opened",
    Status.UNKNOWN: "the broker knows no such target",
}


class EgressClient:
    """The socket to the broker. Lives on one loop; `start` it there."""

    def __init__(self, sock: socket.socket, targets: Iterable[str]) -> None:
        """`targets`: what may be asked for, in the broker's order."""
        sock.setblocking(False)
        self._sock = sock
        self._numbers = {name: number for number, name in enumerate(targets)}
        # Answers to whoever had this socket before are none of ours.
        self._next = _FIRST.unpack(os.urandom(8))[0] >> 1 | 1
        self._asked: dict[int, tuple[Request, asyncio.Future[socket.socket]]] = {}
        self._unsent: deque[Request] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Listen for answers on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> None:
        """Ask nothing more; who waits gets PeerClosed."""
        if self._sock.fileno() < 0:
            return
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        for _, future in self._asked.values():
            if not future.done():
                future.set_exception(PeerClosed("the broker is gone"))

    async def ask(self, target: str, timeout: float) -> socket.socket:
        """A connected, non-blocking socket. Raises UpstreamError or PeerTimeout (after `timeout` seconds)."""
        if self._loop is None or self._sock.fileno() < 0:
            raise PeerClosed("the broker is gone")
        number = self._next = self._next + 1
        milliseconds = min(MOST_MILLISECONDS, max(1, int(timeout * 1000)))
        request = Request(number, self._numbers[target], milliseconds)
        future: asyncio.Future[socket.socket] = self._loop.create_future()
        self._asked[number] = request, future
        self._send(request)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            _let_go(future)
            raise PeerTimeout(f"{target}: no connection within {timeout} s") from None
        except asyncio.CancelledError:
            _let_go(future)
            raise
        finally:
            del self._asked[number]

    def ask_from_thread(self, target: str, timeout: float) -> socket.socket:
        """The same for a thread beside the loop, which may wait. Raises OSError."""
        if self._loop is None:
            raise ConnectionError("the broker is gone")
        try:
            return asyncio.run_coroutine_threadsafe(self.ask(target, timeout), self._loop).result(timeout + 1.0)
        except (PeerTimeout, UpstreamError, PeerClosed) as error:
            raise ConnectionError(str(error)) from None

    def _send(self, request: Request) -> None:
        self._unsent.append(request)
        if len(self._unsent) == 1:
            self._flush()

    def _flush(self) -> None:
        """Send what waits; the rest when there is room."""
        assert self._loop is not None
        while self._unsent:
            try:
                self._sock.send(write_request(self._unsent[0]))
            except BlockingIOError:
                self._loop.add_writer(self._sock.fileno(), self._flush)
                return
            except OSError:
                break
            self._unsent.popleft()
        self._loop.remove_writer(self._sock.fileno())

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                data, number = receive(self._sock, MOST_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                data, number = b"", None
            try:
                self._take(read_answer(data), _socket(number))
            except WireError:
                # The broker and who keeps its socket open have both gone.
                self.close()
                return

    def _take(self, answer: Answer, found: socket.socket | None) -> None:
        """Takes the socket over."""
        if answer.status is Status.ANEW:
            self._repeat()
            return
        request, future = self._asked.get(answer.number, (None, None))
        if request is None or future is None or future.done():
            if found is not None:
                found.close()
        elif found is not None:
            found.setblocking(False)
            future.set_result(found)
        else:
            future.set_exception(UpstreamError(_reason(answer)))

    def _repeat(self) -> None:
        """What an earlier broker took is asked for again. It may be asked for twice: the second answer is closed."""
        unsent = {request.number for request in self._unsent}
        for request, future in list(self._asked.values()):
            if not future.done() and request.number not in unsent:
                self._send(request)


def _socket(number: int | None) -> socket.socket | None:
    """What came with an answer; None for nothing, and for what is no socket."""
    if number is None:
        return None
    try:
        return socket.socket(fileno=number)
    except OSError:
        os.close(number)
        return None


def _let_go(future: asyncio.Future[socket.socket]) -> None:
    """A socket that came in the moment in which its asker gave up belongs to nobody."""
    if future.done() and not future.cancelled() and future.exception() is None:
        future.result().close()


def _reason(answer: Answer) -> str:
    return os.strerror(answer.errno) if answer.status is Status.REFUSED else _WORDS.get(answer.status, "no socket")
