"""What is written down of an exchange: one access record, an audit record and a line of the error log for each
finding, the counters."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from revproxy.audit import About, Metrics, Records, encode_error, encode_finding, encode_http_access, frame_of
from revproxy.model import ALLOWED, Action, Transaction, Verdict
from revproxy.proxy.http.message import Client, Request

CLIENT_GONE: Final = 499
"""The status in records of an exchange whose client left before its answer was complete (as nginx has it)."""


@dataclass(slots=True)
class Entry:
    """What an exchange notes down while it goes on. Times are `time.time()` and `time.perf_counter()`."""

    transaction: Transaction
    began: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)
    route: str = ""
    upstream: str = ""
    asked: float = 0.0
    answered: float = 0.0
    status: int = CLIENT_GONE
    bytes_in: int = 0
    bytes_out: int = 0
    verdict: Verdict = ALLOWED
    reason: str = ""
    set_name: str = ""
    inspecting: float = 0.0
    """Seconds that inspection took, waiting for it included."""


def about(entry: Entry, client: Client, request: Request) -> About:
    """Which exchange it was, for records of others."""
    return About(
        entry.transaction.id,
        entry.began,
        client.address,
        "http",
        entry.route,
        entry.set_name,
        request.method,
        request.host,
        request.target,
    )


class Recorder:
    """Writes entries of one worker to its logs and metrics."""

    def __init__(self, records: Records, metrics: Metrics) -> None:
        self._records = records
        self._requests = metrics.counter("revproxy_requests_total")
        self._findings = metrics.counter("revproxy_findings_total")
        self._refused = metrics.counter("revproxy_refused_total")
        self._seconds = metrics.histogram("revproxy_request_seconds")
        self._upstream_seconds = metrics.histogram("revproxy_upstream_seconds")
        self._inspection_seconds = metrics.histogram("revproxy_inspection_seconds")
        self._bytes = metrics.counter("revproxy_bytes_total")
        self._upstream_failures = metrics.counter("revproxy_upstream_failures_total")

    def write(self, entry: Entry, client: Client, request: Request) -> None:
        """One access record, and the findings."""
        seconds = time.perf_counter() - entry.started
        upstream_seconds = entry.answered - entry.asked if entry.answered else 0.0
        findings = entry.transaction.findings
        verdict = "allow" if entry.verdict is ALLOWED else entry.verdict.action.value
        self._records.access(
            encode_http_access(
                ts=entry.began,
                id=entry.transaction.id,
                client=client.address,
                listener=client.listener,
                host=request.host,
                method=request.method,
                target=request.target,
                status=entry.status,
                bytes_in=entry.bytes_in,
                bytes_out=entry.bytes_out,
                seconds=seconds,
                upstream=entry.upstream,
                upstream_seconds=upstream_seconds,
                verdict=verdict,
                score=entry.transaction.scores.shown,
                rules=[finding.rule for finding in findings] if findings else (),
                reason=entry.reason,
                enforced=entry.verdict.enforced,
            )
        )
        self._requests[(client.listener, _CLASSES[entry.status // 100], verdict)] += 1
        self._bytes[(client.listener, "in")] += entry.bytes_in
        self._bytes[(client.listener, "out")] += entry.bytes_out
        self._seconds.observe(seconds)
        if entry.inspecting:
            self._inspection_seconds.observe(entry.inspecting)
        if entry.answered:
            self._upstream_seconds.observe(upstream_seconds)
        if entry.reason:
            self._refused[(entry.reason,)] += 1
            if entry.asked and not entry.answered and verdict == "allow" and entry.status != CLIENT_GONE:
                self._upstream_failures[(entry.upstream, entry.reason)] += 1
        if findings:
            self._write_findings(entry, client, request)

    def write_gate(self, identity: str, client: Client, status: int, reason: str) -> None:
        """The access record of what the gate refused: no head could be made of it."""
        self._records.access(
            encode_http_access(
                ts=time.time(),
                id=identity,
                client=client.address,
                listener=client.listener,
                host=b"",
                method=b"",
                target=b"",
                status=status,
                bytes_in=0,
                bytes_out=0,
                seconds=0.0,
                verdict=Action.REJECT.value,
                reason=reason,
            )
        )
        self._requests[(client.listener, _CLASSES[status // 100], Action.REJECT.value)] += 1
        self._refused[(reason,)] += 1

    def _write_findings(self, entry: Entry, client: Client, request: Request) -> None:
        transaction = entry.transaction
        frame = frame_of(
            id=transaction.id,
            ts=entry.began,
            route=entry.route,
            verdict=entry.verdict,
            ruleset=entry.set_name,
            total=transaction.scores.shown + transaction.scores.outbound,
            client=client.address,
            method=request.method,
            host=request.host,
            target=request.target,
        )
        for finding in transaction.findings:
            self._findings[(finding.rule,)] += 1
            self._records.audit(encode_finding(finding, frame))
            if self._records.error is not None:
                self._records.error(
                    encode_error(
                        finding,
                        id=transaction.id,
                        ts=entry.began,
                        verdict=entry.verdict,
                        client=client.address,
                        host=request.host,
                        target=request.target,
                    )
                )


_CLASSES: Final = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")
