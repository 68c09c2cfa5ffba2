"""Accepting: a listening socket that was bound elsewhere, the caps, the TLS handshake, one coroutine a connection.

Invariants:
- a connection over a cap costs no handshake, no read and no task: it gets the ready-made refusal (a TLS client, who
  could not read it, nothing) and is closed;
- each admitted connection holds one lease from accept to its end, failed handshakes included;
- `stop_accepting` leaves the socket open and listening, for other workers and the next generation.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from revproxy.errors import PeerError
from revproxy.net.caps import Connections, Lease
from revproxy.net.stream import STALL, Stream

_ACCEPTS: Final = 32
"""Connections taken in one go before the loop serves the others again."""
_REST: Final = 0.5
"""Seconds without accepting after the system ran out of descriptors or memory."""
_EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_LINGERING: Final = 128
"""Refused sockets kept open for a moment, so that a reset does not overtake the refusal."""

Factory = Callable[[Lease], asyncio.BaseProtocol]
"""Makes the protocol of a new connection; it must release the lease in its `connection_lost`."""


class Acceptor:
    """Accepts for any asyncio protocol."""

    def __init__(
        self,
        sock: socket.socket,
        factory: Factory,
        connections: Connections,
        *,
        context: ssl.SSLContext | None = None,
        handshake_timeout: float = 10.0,
        refusal: bytes = b"",
    ) -> None:
        """`sock` is bound; it is made non-blocking and listening. `refusal` is what a client over a cap is sent."""
        self._sock = sock
        self._factory = factory
        self._connections = connections
        self._context = context
        self._handshake_timeout = handshake_timeout
        self._refusal = refusal
        self._lingering: deque[socket.socket] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rest: asyncio.TimerHandle | None = None
        self.accepted = 0
        self.refused = 0
        self.failed_handshakes = 0

    def start(self, backlog: int = 1024) -> None:
        """Accept from now on, in the running loop."""
        self._sock.setblocking(False)
        self._sock.listen(backlog)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def stop_accepting(self) -> None:
        """Accept no more; what is open goes on. Again does nothing."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.remove_reader(self._sock.fileno())
        if self._rest is not None:
            self._rest.cancel()
        while self._lingering:
            self._lingering.popleft().close()

    @property
    def opening(self) -> int:
        """Connections within their handshake."""
        return len(self._opening)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._pause()
                return
            self._admit(sock, address)

    def _pause(self) -> None:
        """The system has nothing left: spinning on a readable socket would only make it worse."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._rest = self._loop.call_later(_REST, self._resume)

    def _resume(self) -> None:
        if self._loop is not None:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _admit(self, sock: socket.socket, address: Any) -> None:
        lease = self._connections.admit(str(address[0]) if isinstance(address, tuple) else "")
        if lease is None or self._loop is None:
            self.refused += 1
            self._refuse(sock)
            return
        self.accepted += 1
        sock.setblocking(False)
        task = self._loop.create_task(self._open(self._loop, sock, lease))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, lease: Lease) -> None:
        """Hand the socket to a transport; with TLS this returns after the handshake."""
        timeout = self._handshake_timeout if self._context is not None else None
        try:
            await loop.connect_accepted_socket(
                lambda: self._factory(lease), sock, ssl=self._context, ssl_handshake_timeout=timeout
            )
        except (OSError, ssl.SSLError, TimeoutError):
            # The client's doing: it is counted, and there is nobody to tell.
            self.failed_handshakes += 1
            lease.release()
        except BaseException:
            lease.release()
            raise

    def _refuse(self, sock: socket.socket) -> None:
        """Say why in one packet, without waiting for anything."""
        if self._context is not None or not self._refusal:
            sock.close()
            return
        sock.setblocking(False)
        try:
            sock.send(self._refusal)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            sock.close()
            return
        self._lingering.append(sock)
        if len(self._lingering) > _LINGERING:
            self._lingering.popleft().close()
        if self._loop is not None:
            self._loop.call_later(1.0, self._end_lingering, sock)

    def _end_lingering(self, sock: socket.socket) -> None:
        sock.close()
        if sock in self._lingering:
            self._lingering.remove(sock)


Handler = Callable[[Stream], Coroutine[Any, Any, None]]
"""Serves one connection to its end; the stream is closed after it."""


class StreamListener:
    """An acceptor whose connections are streams, each served by one coroutine."""

    def __init__(
        self,
        sock: socket.socket,
        handler: Handler,
        connections: Connections,
        *,
        context: ssl.SSLContext | None = None,
        handshake_timeout: float = 10.0,
        refusal: bytes = b"",
        stall: float = STALL,
    ) -> None:
        """See Acceptor; `stall` as in Stream."""
        self._handler = handler
        self._stall = stall
        self._idle = asyncio.Event()
        self._idle.set()
        self.connections: dict[Stream, asyncio.Task[None]] = {}
        """What is being served: an entry goes when its coroutine has ended and its connection is closed."""
        self.acceptor = Acceptor(
            sock,
            self._stream,
            connections,
            context=context,
            handshake_timeout=handshake_timeout,
            refusal=refusal,
        )

    def start(self, backlog: int = 1024) -> None:
        """Accept from now on, in the running loop."""
        self.acceptor.start(backlog)

    def stop_accepting(self) -> None:
        """Accept no more; what is open goes on."""
        self.acceptor.stop_accepting()

    async def drained(self, timeout: float) -> bool:
        """Wait until nothing is served any more; False when something still is after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while self.connections or self.acceptor.opening:
                    self._idle.clear()
                    await (self._idle.wait() if self.connections else asyncio.sleep(0.05))
        except TimeoutError:
            return False
        return True

    def abort(self) -> None:
        """Cut off whatever is left."""
        for stream, task in list(self.connections.items()):
            task.cancel()
            stream.abort()

    def _stream(self, lease: Lease) -> Stream:
        stream = Stream(asyncio.get_running_loop(), self._serve, self._stall)
        stream.on_lost = lambda _: lease.release()
        return stream

    def _serve(self, stream: Stream) -> None:
        if stream.local[0] and not stream.peer[0]:
            # Reset before it could be asked who it is: rules about addresses would see none, and records neither.
            stream.abort()
            return
        task = asyncio.get_running_loop().create_task(self._handler(stream))
        self.connections[stream] = task
        task.add_done_callback(lambda done: self._served(stream, done))

    def _served(self, stream: Stream, task: asyncio.Task[None]) -> None:
        """The coroutine has ended. What it let through is a bug of ours, or a peer that went away."""
        del self.connections[stream]
        stream.close()
        if not self.connections:
            self._idle.set()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, PeerError):
            context = {"message": "a connection's coroutine failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)
