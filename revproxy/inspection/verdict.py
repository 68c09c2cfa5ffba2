"""Findings and scores -> verdict. Pure: the same transaction and policy always give the same verdict."""

from __future__ import annotations

from dataclasses import dataclass

from revproxy.model import ALLOWED, Action, Phase, Transaction, Verdict


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route or mail domain asks of inspection. Thresholds are anomaly points.

    `inspects` is false where inspection is off; `enforces` is false where findings are only recorded.
    """

    inbound_threshold: int = 5
    outbound_threshold: int = 4
    inspects: bool = True
    enforces: bool = True


def decide(transaction: Transaction, policy: Policy, last: Phase) -> Verdict:
    """The verdict after phase `last`: a rule that decides by itself goes before the score."""
    if not transaction.findings:
        return ALLOWED
    inbound = last < Phase.REPLY_HEAD
    scores = transaction.scores
    score = scores.inbound if inbound else scores.outbound
    threshold = policy.inbound_threshold if inbound else policy.outbound_threshold
    for finding in transaction.findings:
        if finding.action is not Action.ALLOW and (finding.phase < Phase.REPLY_HEAD) is inbound:
            return Verdict(finding.action, score, finding.rule, policy.enforces, finding.status)
    if score >= threshold:
        return Verdict(Action.DENY, score, "score", policy.enforces)
    return Verdict(Action.ALLOW, score)
