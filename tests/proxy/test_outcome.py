"""What would become of a transaction."""

from __future__ import annotations

from revproxy.model import Action, Finding, Phase, Protocol, Severity, Transaction, Verdict
from revproxy.proxy.outcome import outcome_of


def test_put_together() -> None:
    transaction = Transaction("t", Protocol.HTTP)
    finding = Finding("a", Phase.HEAD, Severity.ERROR, 4, "m", "args")
    transaction.findings.append(finding)
    transaction.scores.inbound, transaction.scores.outbound = 4, 9
    verdict = Verdict(Action.DENY, 4, "a")
    got = outcome_of(transaction, verdict, 403, 0.0012345)
    assert (got.verdict, got.status, got.score, got.findings, got.micros) == (verdict, 403, 4, (finding,), 1234)
    transaction.findings.clear()
    assert got.findings == (finding,)
