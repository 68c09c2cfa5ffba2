"""What would become of a transaction that is not on a wire: the common result of both protocols' `offline`."""

from __future__ import annotations

from dataclasses import dataclass

from revproxy.model import Finding, Transaction, Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is the code that the client would get, None where it goes on; `micros` is what inspection took."""

    verdict: Verdict
    status: int | None
    score: int
    findings: tuple[Finding, ...]
    micros: int


def outcome_of(transaction: Transaction, verdict: Verdict, status: int | None, seconds: float) -> Outcome:
    """Put together at the end."""
    return Outcome(verdict, status, transaction.scores.shown, tuple(transaction.findings), round(seconds * 1e6))
