"""The HTTP side of a listener: accepts, serves each connection by its own coroutine, drains.

Knows when connections begin and end, nothing of what is said on them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl

from revproxy.config import Listener
from revproxy.net import Connections, Stream, StreamListener
from revproxy.protocols.http1 import write_response
from revproxy.proxy.http.connection import DRAIN_IDLE_SECONDS, serve
from revproxy.proxy.http.pages import REASONS
from revproxy.proxy.http.peers import Peer
from revproxy.proxy.http.site import Site


class HttpFront:
    """One HTTP listener of one worker."""

    def __init__(
        self, listener: Listener, site: Site, connections: Connections, context: ssl.SSLContext | None
    ) -> None:
        self.name = listener.name
        self._site = site
        self._connections = connections
        self._context = context
        self._scheme = b"https" if context is not None else b"http"
        self._proxies = tuple(ipaddress.ip_network(network) for network in listener.trusted_proxies)
        self._listener: StreamListener | None = None

    def start(self, sock: socket.socket, backlog: int) -> None:
        """Accept on a bound socket from now on."""
        limits = self._site.limits
        self._listener = StreamListener(
            sock,
            self._handle,
            self._connections,
            context=self._context,
            handshake_timeout=limits.timeouts.tls_handshake,
            refusal=_overfull(limits.caps.retry_after),
            stall=limits.timeouts.write_stall,
        )
        self._listener.start(backlog)

    @property
    def connections(self) -> int:
        """Connections being served."""
        return len(self._listener.connections) if self._listener is not None else 0

    @property
    def accepted(self) -> int:
        """Connections accepted so far."""
        return self._listener.acceptor.accepted if self._listener is not None else 0

    @property
    def refused(self) -> int:
        """Connections over a cap so far."""
        return self._listener.acceptor.refused if self._listener is not None else 0

    @property
    def busy(self) -> int:
        """Connections with an exchange under way."""
        return sum(not stream.resting for stream in self._listener.connections) if self._listener is not None else 0

    def stop_accepting(self) -> None:
        """New connections go to other workers; every answer closes its connection from now on."""
        self._site.draining = True
        if self._listener is not None:
            self._listener.stop_accepting()
            for stream in self._listener.connections:
                if stream.resting:
                    stream.hurry(DRAIN_IDLE_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Return when every exchange under way is finished, or after `seconds` when the rest is cut off."""
        if self._listener is not None and not await self._listener.drained(seconds):
            self._listener.abort()
            await self._listener.drained(1.0)

    async def _handle(self, stream: Stream) -> None:
        _cancel_when_lost(stream)
        address, port = stream.peer
        peer = Peer(address, self._scheme, self.name, self._proxies, port, stream.local)
        await serve(stream, peer, self._site)


def _cancel_when_lost(stream: Stream) -> None:
    """A client that is gone must not hold an internal server's connection."""
    task, before = asyncio.current_task(), stream.on_lost

    def lost(gone: Stream) -> None:
        if before is not None:
            before(gone)
        if task is not None:
            task.cancel()

    stream.on_lost = lost


def _overfull(retry_after: int) -> bytes:
    """What a client over a cap is sent before a byte of it is read."""
    fields = [(b"Retry-After", b"%d" % retry_after), (b"Content-Length", b"0"), (b"Connection", b"close")]
    return write_response(503, REASONS[503], fields)
