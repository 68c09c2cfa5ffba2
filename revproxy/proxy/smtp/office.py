"""What all sessions of a listener share, put together once. Holds things; the little that it does is bookkeeping."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from revproxy.config.settings import Mode, Settings, Upstream
from revproxy.errors import PeerError
from revproxy.inspection import Policy, Shadow
from revproxy.model import ContentLimits, Fields, Limits, Phase, Transaction, Verdict
from revproxy.net import Budget
from revproxy.proxy.smtp.domains import Domains
from revproxy.proxy.smtp.envelope import Client
from revproxy.proxy.smtp.record import Recorder
from revproxy.proxy.smtp.upstream import Dialer, MailClient, connect

log = logging.getLogger("revproxy.mail")


class Judge(Protocol):
    """What we need of `inspection.Inspection`."""

    set_name: str

    async def inspect(
        self, transaction: Transaction, first: Phase, last: Phase, policy: Policy, size: int = 0
    ) -> Verdict: ...


@dataclass(slots=True)
class Office:
    """`inspection` is replaced when a new rule set comes in, `shadow` when one is staged; a message reads each
    once."""

    hostname: str
    limits: Limits
    domains: Domains
    upstreams: tuple[Upstream, ...]
    policies: Mapping[Mode, Policy]
    inspection: Judge
    recorder: Recorder
    dialer: Dialer
    new_id: Callable[[], str]
    clock: Callable[[], float]
    memory: Budget
    fill: Callable[[Fields, bytes, ContentLimits], None]
    """Takes a message apart into fields; called in a thread for large ones."""
    shadow: Shadow | None = None
    starttls: bool = False
    draining: bool = False
    drain_idle: float = 0.0
    """While draining: seconds that a session may wait before its next message ..."""
    last_call: float = 0.0
    """... and the loop's time from which on no next message is begun."""
    deliveries: set[asyncio.Task[Any]] = field(default_factory=set)
    """Deliveries under way; kept here because their clients may have left."""
    utf8: dict[str, bool] = field(default_factory=dict)
    """Whether an upstream offered SMTPUTF8 when we last spoke to it."""

    @property
    def offers_utf8(self) -> bool:
        """Whether every internal mail server takes SMTPUTF8, as far as we know."""
        return bool(self.upstreams) and all(self.utf8.get(u.name, False) for u in self.upstreams)

    async def connect(self, upstream: Upstream, client: Client | None) -> MailClient:
        """A connection to the inside. PeerError."""
        made = await connect(self.dialer, upstream, self.hostname, client, self.limits.timeouts)
        self.utf8[upstream.name] = made.offer.utf8
        return made

    async def learn(self) -> None:
        """Ask each internal server what it offers. One that is away is asked again by its first message."""
        for upstream in self.upstreams:
            try:
                (await self.connect(upstream, None)).quit()
            except PeerError as error:
                log.warning("mail server %s: %s", upstream.name, error)

    def deliver(self, work: Coroutine[Any, Any, str]) -> asyncio.Task[str]:
        """Start a delivery that nobody's leaving interrupts."""
        task = asyncio.get_running_loop().create_task(work)
        self.deliveries.add(task)
        task.add_done_callback(self._delivered)
        return task

    def _delivered(self, task: asyncio.Task[str]) -> None:
        self.deliveries.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery broke: %s", type(error).__name__, exc_info=error)


def policies(settings: Settings) -> dict[Mode, Policy]:
    """What each mode asks of inspection."""
    rules = settings.inspection
    return {
        mode: Policy(
            inbound_threshold=rules.inbound_threshold,
            outbound_threshold=rules.outbound_threshold,
            inspects=mode is not Mode.OFF,
            enforces=mode is Mode.ENFORCE,
        )
        for mode in Mode
    }
