"""What is written and counted about a message: one access record, one audit record a finding, metrics.

A log never holds a message up: `Records` drops and counts what it has no room for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from revproxy.audit import About, Metrics, encode_error, encode_finding, encode_smtp_access, frame_of
from revproxy.model import ALLOWED, Verdict
from revproxy.proxy.smtp.envelope import Client, Envelope


class Records(Protocol):
    """Takes encoded records; `audit.Records` is one."""

    access: Callable[[bytes], None]
    audit: Callable[[bytes], None]
    error: Callable[[bytes], None] | None


@dataclass(slots=True)
class Outcome:
    """How a message ended. `reply` is what its client got, `refused` a short word when it was not inspection."""

    reply: str = ""
    verdict: Verdict = ALLOWED
    refused: str = ""
    message_bytes: int = 0
    upstream_seconds: float = 0.0

    @property
    def code(self) -> int:
        """Of the reply; 0 when there was none (the client had left)."""
        return int(self.reply[:3]) if self.reply else 0


class Recorder:
    """Bound to one listener. `clock` gives Unix time, `ticks` the loop's."""

    def __init__(
        self,
        records: Records,
        metrics: Metrics,
        listener: str,
        clock: Callable[[], float],
        ticks: Callable[[], float],
    ) -> None:
        self._records = records
        self._metrics = metrics
        self._listener = listener
        self._clock = clock
        self._ticks = ticks

    def begun(self) -> None:
        """A session was accepted."""
        self._metrics.count("revproxy_sessions_total", (self._listener,))
        self._metrics.count("revproxy_connections_total", (self._listener,))

    def open(self, sessions: int, held: int) -> None:
        """How many sessions there are, and how much they hold."""
        self._metrics.gauge("revproxy_client_connections", sessions, (self._listener,))
        self._metrics.gauge("revproxy_body_memory_bytes", held)

    def inspected(self, seconds: float) -> None:
        """Reading and judging took so long."""
        self._metrics.observe("revproxy_inspection_seconds", seconds)

    def upstream_failed(self, upstream: str, reason: str) -> None:
        """An internal server failed us; `reason` is the error's class."""
        self._metrics.count("revproxy_upstream_failures_total", (upstream, reason))

    def message(self, client: Client, envelope: Envelope, outcome: Outcome, ruleset: str) -> None:
        """A message came to its end, whatever that was."""
        transaction, verdict = envelope.transaction, outcome.verdict
        seconds = self._ticks() - envelope.begun
        began = self._clock() - seconds
        shown = "reject" if outcome.refused else verdict.action.value
        self._metrics.count("revproxy_messages_total", (shown,))
        self._metrics.observe("revproxy_message_seconds", seconds)
        if outcome.refused:
            self._metrics.count("revproxy_refused_total", (outcome.refused,))
        self._records.access(
            encode_smtp_access(
                ts=began,
                id=transaction.id,
                client=client.address,
                listener=self._listener,
                helo=client.helo,
                sender=bytes(envelope.mail.sender),
                recipients=[bytes(r) for r in envelope.recipients],
                code=outcome.code,
                bytes_in=outcome.message_bytes,
                seconds=seconds,
                tls=client.tls,
                upstream=envelope.place.upstream.name if envelope.place is not None else "",
                upstream_seconds=outcome.upstream_seconds,
                verdict=shown,
                score=transaction.scores.shown,
                enforced=verdict.enforced,
                rules=[f.rule for f in transaction.findings],
                reason=outcome.refused or verdict.reason,
            )
        )
        self._findings(client, envelope, verdict, began, ruleset)
        if envelope.tape is not None:
            about = About(transaction.id, began, client.address, "smtp", envelope.domain, ruleset)
            envelope.tape.end(verdict, about)

    def _findings(self, client: Client, envelope: Envelope, verdict: Verdict, began: float, ruleset: str) -> None:
        transaction = envelope.transaction
        if not transaction.findings:
            return
        frame = frame_of(
            id=transaction.id,
            ts=began,
            route=envelope.domain,
            verdict=verdict,
            ruleset=ruleset,
            total=transaction.scores.shown,
            client=client.address,
            protocol="smtp",
        )
        for finding in transaction.findings:
            self._metrics.count("revproxy_findings_total", (finding.rule,))
            self._records.audit(encode_finding(finding, frame))
            if self._records.error is not None:
                line = encode_error(finding, id=transaction.id, ts=began, verdict=verdict, client=client.address)
                self._records.error(line)

    def refused(self, client: Client, session: str, reply: str, reason: str) -> None:
        """A session was ended by us; `reason` is a short fixed word."""
        self._metrics.count("revproxy_refused_total", (reason,))
        self._records.access(
            encode_smtp_access(
                ts=self._clock(),
                id=session,
                client=client.address,
                listener=self._listener,
                helo=client.helo,
                sender=b"",
                recipients=(),
                code=int(reply[:3]),
                bytes_in=0,
                seconds=0.0,
                tls=client.tls,
                verdict="reject",
                reason=reason,
            )
        )
