"""Findings and scores to a verdict."""

from __future__ import annotations

import pytest

from revproxy.inspection import Policy, decide
from revproxy.model import Action, Finding, Phase, Protocol, Severity, Transaction, Verdict


def finding(name: str = "a", phase: Phase = Phase.BODY, action: Action = Action.ALLOW) -> Finding:
    return Finding(name, phase, Severity.CRITICAL, 5, "m", "args", action=action)


def transaction(*findings: Finding, inbound: int = 0, outbound: int = 0) -> Transaction:
    made = Transaction("t", Protocol.HTTP)
    made.findings.extend(findings)
    made.scores.inbound, made.scores.outbound = inbound, outbound
    return made


CASES = [
    ((), 0, 0, Phase.BODY, Verdict(Action.ALLOW)),
    ((finding(),), 4, 0, Phase.BODY, Verdict(Action.ALLOW, 4)),
    ((finding(),), 5, 0, Phase.BODY, Verdict(Action.DENY, 5, "score")),
    ((finding(),), 5, 0, Phase.HEAD, Verdict(Action.DENY, 5, "score")),
    ((finding(),), 99, 3, Phase.REPLY_HEAD, Verdict(Action.ALLOW, 3)),
    ((finding(),), 0, 4, Phase.REPLY_BODY, Verdict(Action.DENY, 4, "score")),
    ((finding(action=Action.DROP),), 0, 0, Phase.BODY, Verdict(Action.DROP, 0, "a")),
    ((finding(), finding("b", action=Action.DENY)), 5, 0, Phase.BODY, Verdict(Action.DENY, 5, "b")),
    (
        (finding("b", action=Action.DENY), finding("c", action=Action.DROP)),
        5,
        0,
        Phase.BODY,
        Verdict(Action.DENY, 5, "b"),
    ),
    # What decided about the request does not decide about the answer again, nor the other way round.
    ((finding(action=Action.DENY),), 5, 0, Phase.REPLY_HEAD, Verdict(Action.ALLOW, 0)),
    ((finding(phase=Phase.REPLY_BODY, action=Action.DENY),), 0, 0, Phase.BODY, Verdict(Action.ALLOW, 0)),
    ((finding(phase=Phase.REPLY_BODY, action=Action.DENY),), 0, 0, Phase.REPLY_BODY, Verdict(Action.DENY, 0, "a")),
]


@pytest.mark.parametrize(("findings", "inbound", "outbound", "last", "verdict"), CASES)
def test_decide(findings: tuple[Finding, ...], inbound: int, outbound: int, last: Phase, verdict: Verdict) -> None:
    made = transaction(*findings, inbound=inbound, outbound=outbound)
    assert decide(made, Policy(), last) == verdict
    assert decide(made, Policy(), last) == verdict


def test_the_rule_that_decides_chooses_the_status() -> None:
    first = Finding("a", Phase.BODY, Severity.CRITICAL, 5, "m", "args", action=Action.DENY, status=406)
    second = Finding("b", Phase.BODY, Severity.CRITICAL, 5, "m", "args", action=Action.DENY, status=500)
    assert decide(transaction(first, second), Policy(), Phase.BODY).status == 406
    assert decide(transaction(finding(), inbound=99), Policy(), Phase.BODY).status == 0


@pytest.mark.parametrize(("threshold", "action"), [(10, Action.DENY), (11, Action.ALLOW)])
def test_thresholds_are_the_policys(threshold: int, action: Action) -> None:
    made = transaction(finding(), inbound=10, outbound=10)
    policy = Policy(inbound_threshold=threshold, outbound_threshold=threshold)
    assert decide(made, policy, Phase.BODY).action is action
    assert decide(made, policy, Phase.REPLY_BODY).action is action


def test_a_policy_that_only_detects_says_so() -> None:
    verdict = decide(transaction(finding(), inbound=5), Policy(enforces=False), Phase.BODY)
    assert (verdict.action, verdict.enforced, verdict.passes) == (Action.DENY, False, True)
