"""The mail front of one listener in one worker: makes sessions, counts them, drains them."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable

from revproxy.audit import Metrics
from revproxy.config.settings import Listener, Settings
from revproxy.inspection import Shadow
from revproxy.model import ContentLimits, Fields
from revproxy.net import Budget, Connections, Lease
from revproxy.proxy.ids import transaction_ids
from revproxy.proxy.smtp.domains import NOTHING, Domains, Excluded
from revproxy.proxy.smtp.fields import fill_message
from revproxy.proxy.smtp.office import Judge, Office, policies
from revproxy.proxy.smtp.record import Recorder, Records
from revproxy.proxy.smtp.server import Server
from revproxy.proxy.smtp.upstream import Dialer

DRAIN_IDLE_SECONDS = 5.0
"""While draining, a session that pauses for so long before its next message is ended."""


class SmtpFront:
    """Give `protocol_factory` to `loop.create_server`; with `listener.tls.starttls` false, `ssl=tls` too."""

    def __init__(
        self,
        settings: Settings,
        listener: Listener,
        inspection: Judge,
        records: Records,
        metrics: Metrics,
        dialer: Dialer,
        *,
        fill: Callable[[Fields, bytes, ContentLimits], None] = fill_message,
        tls: ssl.SSLContext | None = None,
        new_id: Callable[[], str] | None = None,
        connections: Connections | None = None,
        memory: Budget | None = None,
        clock: Callable[[], float] = time.time,
        excluded: Excluded = NOTHING,
    ) -> None:
        """`tls` is the listener's context; `excluded` what rules leave out, by domain. `connections` and
        `memory` are shared by all fronts of a worker."""
        domains = settings.mail.domains
        names = {d.upstream for d in domains}
        offered = listener.tls is not None and listener.tls.starttls and tls is not None
        caps = settings.limits.caps
        self._connections = connections or Connections(caps)
        self._tls = tls if offered else None
        self._office = Office(
            hostname=settings.mail.hostname,
            limits=settings.limits,
            domains=Domains(settings, excluded),
            upstreams=tuple(u for u in settings.upstreams if u.name in names),
            policies=policies(settings),
            inspection=inspection,
            recorder=Recorder(records, metrics, listener.name, clock, _ticks),
            dialer=dialer,
            new_id=new_id or transaction_ids(),
            clock=clock,
            memory=memory or Budget("memory_bytes", caps.memory_bytes),
            fill=fill,
            starttls=offered,
        )
        self._drain_seconds = settings.drain_seconds
        self._servers: dict[Server, Lease | None] = {}

    @property
    def sessions(self) -> int:
        """Sessions that are open now."""
        return len(self._servers)

    @property
    def deliveries(self) -> int:
        """Messages on their way inside, those of clients that have left included."""
        return len(self._office.deliveries)

    def protocol_factory(self) -> Server:
        """A protocol for a connection that was accepted."""
        loop = asyncio.get_running_loop()
        return Server(self._office, self._tls, self._made, self._ended, loop)

    async def learn(self) -> None:
        """Ask the internal servers what they offer (SMTPUTF8); never fails. Once, before the first accept."""
        await self._office.learn()

    def swap(self, inspection: Judge) -> None:
        """Messages whose data ends from now on are judged by this."""
        self._office.inspection = inspection

    def stage(self, shadow: Shadow | None) -> None:
        """... and by this as well, which changes nothing; None: by nothing else."""
        self._office.shadow = shadow

    def begin_drain(self, idle_seconds: float = DRAIN_IDLE_SECONDS) -> None:
        """Sessions go on until they pause, or until half of the drain time is over: then they get 421.

        A sender that is cut off between two messages loses none, but may keep all that it has for us for a while.
        """
        self._office.draining = True
        self._office.drain_idle = idle_seconds
        self._office.last_call = _ticks() + self._drain_seconds / 2
        for server in tuple(self._servers):
            server.drain()

    async def drained(self, seconds: float) -> bool:
        """Wait until all sessions and deliveries are over, at most so long; whether they are."""
        tasks = {server.task for server in self._servers if server.task is not None}
        waiting = tasks | self._office.deliveries
        if not waiting:
            return True
        _, late = await asyncio.wait(waiting, timeout=seconds)
        return not late and not self._office.deliveries

    def close(self) -> None:
        """Cut off what is left."""
        for server in tuple(self._servers):
            server.abort()

    def _made(self, server: Server) -> bool:
        """Count a connection in; whether it is within the caps."""
        lease = self._connections.admit(server.client.address)
        self._servers[server] = lease
        self._office.recorder.begun()
        self._gauge()
        return lease is not None

    def _ended(self, server: Server) -> None:
        lease = self._servers.pop(server, None)
        if lease is not None:
            lease.release()
        self._gauge()

    def _gauge(self) -> None:
        self._office.recorder.open(len(self._servers), self._office.memory.used)


def _ticks() -> float:
    return asyncio.get_running_loop().time()
