"""From what was prepared to what serves: the one place where the rooms are plugged together.

Reading `Parts.__init__` from top to bottom tells what a worker consists of. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import socket
import ssl
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from revproxy.app.excluded import Excluded
from revproxy.app.prepared import Prepared
from revproxy.app.shadowing import shadow_of
from revproxy.audit import Metrics, Records
from revproxy.audit.sinks import Ways
from revproxy.codecs.charset import CHARSETS
from revproxy.config import Listener, ListenerKind, Settings
from revproxy.detection.engine import Loaded, load
from revproxy.detection.engine.watching import Watch
from revproxy.detection.link import RuleSet
from revproxy.detection.operators.rx import forget
from revproxy.detection.rules import Control
from revproxy.inspection import Inspection, RuleInspector, Shadow
from revproxy.inspection.aside import aside
from revproxy.model import Action, Phase
from revproxy.net import Budget, Connections, Dialer, DirectDialer, Pool, Spool, server_context
from revproxy.net.egress import BrokerDialer, EgressClient, log_target, targets_of
from revproxy.proxy.http import HttpFront, Recorder, Router, Site, way_of
from revproxy.proxy.ids import transaction_ids
from revproxy.runtime import BACKLOG, Cell

if TYPE_CHECKING:
    from revproxy.proxy.smtp import SmtpFront

log = logging.getLogger("revproxy.worker")
_SYSLOG_SECONDS = 2.0
"""How long the thread of a log waits for a connection to its server."""


@dataclass(frozen=True, slots=True)
class Judging:
    """Inspection by one rule set."""

    inspection: Inspection
    rules: RuleInspector


def inspection_of(rules: RuleSet, settings: Settings, watch: Watch | None = None) -> Inspection:
    """The inspectors, in the order in which they are asked; `watch` is told which rules match."""
    return _inspection(rules, RuleInspector(rules, settings.inspection.memory_bytes, watch=watch), settings)


def _inspection(rules: RuleSet, inspector: RuleInspector, settings: Settings) -> Inspection:
    return Inspection(
        [inspector],
        rules.name,
        settings.limits.timeouts.inspection,
        Action.DENY if settings.inspection.on_failure == "deny" else Action.DEFER,
        wanted=rules.fields,
        logs=any(Phase.LOG in phases for phases in rules.phases.values()),
        may_decline=Control.REPLY_BODY_ACCESS in rules.controls,
    )


class Parts:
    """Everything that lives in one worker (`runtime.WorkerParts`)."""

    def __init__(
        self, prepared: Prepared, index: int, pieces: MutableMapping[str, bytes], cell: Cell | None = None
    ) -> None:
        """`pieces` are the databases of the rules; they are taken out."""
        settings = prepared.settings
        cell = cell or Cell(settings.spool)
        self._index = index
        self._metrics = Metrics()
        self._egress = EgressClient(cell.egress, (t.name for t in targets_of(settings))) if cell.egress else None
        # All that is opened by a name, and all that needs rights, before they go; threads come after that.
        self._records = _records(settings, cell, self._egress)
        self._records.open()
        dialer = _dialer(settings, self._egress)
        contexts = {listener.name: _context(listener) for listener in settings.listeners}
        load_ahead(settings)
        cell.lock()
        if self._egress is not None:
            self._egress.start()
        self._thread = aside(1, "inspection")
        # The pool starts its thread at the first call, which is not to be somebody's request.
        self._thread.submit(_let_go, [])
        self._judging = self._judged(prepared, load(pieces))
        self._shadow: Shadow | None = None
        self._connections = Connections(settings.limits.caps)
        self._memory = Budget("memory_bytes", settings.limits.caps.memory_bytes)
        self._spool = Budget("spool_bytes", settings.limits.caps.spool_bytes)
        self._pools = {u.name: Pool(u, dialer, settings.limits.timeouts) for u in settings.upstreams}
        self._site = self._http_site(settings, prepared.excluded, cell.spool)
        kinds = {kind: [lis for lis in settings.listeners if lis.kind is kind] for kind in ListenerKind}
        self._http = [self._http_front(lis, contexts[lis.name]) for lis in kinds[ListenerKind.HTTP]]
        self._mail = {
            lis.name: (self._mail_front(lis, prepared, dialer, contexts[lis.name]), lis)
            for lis in kinds[ListenerKind.SMTP]
        }
        self._contexts = contexts
        self._servers: list[asyncio.Server] = []
        self._records.start()

    def _http_site(self, settings: Settings, excluded: Excluded, folder: str) -> Site:
        limits, inspection = settings.limits, settings.inspection
        ways = []
        for route in settings.routes:
            upstream = settings.upstream(route.upstream)
            address = str(upstream.address).encode("ascii")
            origin = (b"https://" if upstream.tls is not None else b"http://") + address
            way = way_of(
                route,
                self._pools[upstream.name],
                limits,
                origin,
                address,
                inspection.inbound_threshold,
                inspection.outbound_threshold,
                excluded.routes.get(route.name, ()),
            )
            ways.append((route, way))
        return Site(
            router=Router(ways),
            inspection=self._judging.inspection,
            limits=limits,
            new_spool=lambda: Spool(folder, self._spool, limits.http.body_memory_bytes, self._memory),
            memory=self._memory,
            new_id=transaction_ids(),
            recorder=Recorder(self._records, self._metrics),
        )

    def _http_front(self, listener: Listener, context: ssl.SSLContext | None) -> HttpFront:
        return HttpFront(listener, self._site, self._connections, context)

    def _mail_front(
        self, listener: Listener, prepared: Prepared, dialer: Dialer, context: ssl.SSLContext | None
    ) -> SmtpFront:
        from revproxy.proxy.smtp import SmtpFront

        return SmtpFront(
            prepared.settings,
            listener,
            self._judging.inspection,
            self._records,
            self._metrics,
            dialer,
            tls=context,
            connections=self._connections,
            memory=self._memory,
            excluded=prepared.excluded.domains,
        )

    async def start(self, sockets: Mapping[str, socket.socket]) -> None:
        """Accept on all listeners from now on."""
        for front in self._http:
            front.start(sockets[front.name], BACKLOG)
        for name, (mail, listener) in self._mail.items():
            await mail.learn()
            implicit = listener.tls is not None and not listener.tls.starttls
            server = await asyncio.get_running_loop().create_server(
                mail.protocol_factory,
                sock=sockets[name],
                ssl=self._contexts[name] if implicit else None,
                backlog=BACKLOG,
            )
            self._servers.append(server)

    def stop_accepting(self) -> None:
        """New connections go to other workers."""
        for front in self._http:
            front.stop_accepting()
        for server in self._servers:
            server.close()
        for mail, _ in self._mail.values():
            mail.begin_drain()

    async def drain(self, deadline_seconds: float) -> None:
        """Finish what is under way."""
        http = [front.drain(deadline_seconds) for front in self._http]
        mail = [mail.drained(deadline_seconds) for mail, _ in self._mail.values()]
        await asyncio.gather(*http, *mail)

    def snapshot(self) -> dict[str, Any]:
        """The counters, with the gauges read now."""
        metrics = self._metrics
        for front in self._http:
            metrics.gauge("revproxy_client_connections", front.connections, (front.name,))
            metrics.set_count("revproxy_connections_total", front.accepted, (front.name,))
        metrics.set_count("revproxy_refused_total", sum(front.refused for front in self._http), ("connection-cap",))
        under_way = sum(front.busy for front in self._http) + sum(mail.sessions for mail, _ in self._mail.values())
        metrics.gauge("revproxy_transactions", under_way)
        for name, pool in self._pools.items():
            for state, number in (("idle", pool.idle), ("busy", pool.total - pool.idle), ("waiting", pool.waiting)):
                metrics.gauge("revproxy_upstream_connections", number, (name, state))
        metrics.gauge("revproxy_body_memory_bytes", self._memory.used)
        metrics.gauge("revproxy_spool_bytes", self._spool.used)
        metrics.set_count("revproxy_inspection_failures_total", self._judging.inspection.failures, ("failed",))
        for kind, number in self._records.dropped.items():
            metrics.set_count("revproxy_records_dropped_total", number, (kind,))
        for kind, number in self._records.waiting.items():
            metrics.gauge("revproxy_records_waiting", number, (kind,))
        return metrics.snapshot()

    def status(self) -> dict[str, Any]:
        """What a person wants to know of a worker."""
        return {
            "connections": sum(front.connections for front in self._http),
            "sessions": sum(mail.sessions for mail, _ in self._mail.values()),
            "ruleset": self._judging.inspection.set_name,
            "staged": self._shadow.set_name if self._shadow is not None else "",
        }

    def load(self, prepared: Prepared, pieces: dict[str, bytes]) -> Judging:
        """Inspection by other rules, for `swap`. Databases that are here already are not loaded again."""
        return self._judged(prepared, load(pieces, self._known()))

    def load_staged(self, prepared: Prepared, pieces: dict[str, bytes]) -> Shadow:
        """Other rules beside those in force, for `stage`."""
        return shadow_of(prepared, load(pieces, self._known()), self._records.audit, self._metrics)

    def _known(self) -> Loaded:
        staged = self._shadow.loaded if self._shadow is not None else {}
        return {**self._judging.rules.loaded, **staged}

    def _judged(self, prepared: Prepared, loaded: Loaded) -> Judging:
        rules, settings = prepared.rules, prepared.settings
        inspector = RuleInspector(rules, settings.inspection.memory_bytes, loaded, self._thread)
        forget()
        return Judging(_inspection(rules, inspector, settings), inspector)

    def swap(self, made: Judging) -> None:
        """Judge what begins from now on by these rules; the old ones go with the last one that began with them."""
        inspection = made.inspection
        inspection.failures = self._judging.inspection.failures
        # The thread lets go of what goes now, piece by piece: all at once, the loop would wait for it.
        self._thread.submit(_let_go, self._judging.rules.parts())
        self._judging = made
        self._site.inspection = inspection
        for mail, _ in self._mail.values():
            mail.swap(inspection)

    def stage(self, made: Shadow | None) -> None:
        """Judge what begins from now on by these rules as well; None: by no others any more."""
        before, self._shadow = self._shadow, made
        self._site.shadow = made
        for mail, _ in self._mail.values():
            mail.stage(made)
        if before is not None:
            before.close()
            self._thread.submit(_let_go, before.parts())

    def staged(self) -> dict[str, Any] | None:
        """What came of it so far; None where nothing is staged."""
        return self._shadow.report().told() if self._shadow is not None else None

    def reopen_logs(self) -> None:
        """After rotation."""
        self._records.reopen()

    async def close(self) -> None:
        """Let go of everything."""
        self.stage(None)
        for mail, _ in self._mail.values():
            mail.close()
        for pool in self._pools.values():
            pool.close()
        self._records.close()
        if self._egress is not None:
            self._egress.close()


def load_ahead(settings: Settings) -> None:
    """What is else loaded when it is first needed, from files that workers may not be able to read by then."""
    if any(listener.kind is ListenerKind.SMTP for listener in settings.listeners):
        # A tenth of a worker's imports, of which one for HTTP has no need.
        import_module("revproxy.proxy.smtp")
    for codec in (*CHARSETS, "idna"):
        codecs.lookup(codec)


def _context(listener: Listener) -> ssl.SSLContext | None:
    if listener.tls is None:
        return None
    return server_context(listener.tls) if listener.kind is ListenerKind.HTTP else server_context(listener.tls, ())


def _records(settings: Settings, cell: Cell, egress: EgressClient | None) -> Records:
    ways = Ways()
    if cell.hand is not None:
        ways = replace(ways, open=cell.hand.open)
    if egress is not None:
        ways = replace(ways, connect=lambda where: egress.ask_from_thread(log_target(where), _SYSLOG_SECONDS))
    return Records(settings.logs.access, settings.logs.audit, settings.logs.error, ways)


def _dialer(settings: Settings, egress: EgressClient | None) -> Dialer:
    if egress is None:
        return DirectDialer(settings.upstreams)
    return BrokerDialer(settings.upstreams, egress)


def _let_go(parts: list[object]) -> None:
    while parts:
        parts.pop()


def build(prepared: Prepared, index: int, pieces: MutableMapping[str, bytes], cell: Cell | None = None) -> Parts:
    """A worker's parts (`runtime.Build`)."""
    return Parts(prepared, index, pieces, cell)
