"""Asking for verdicts under a policy."""

from __future__ import annotations

import pytest
from harness import linked

from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.model import Action, Phase, Protocol, Transaction
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.refusal import Refused
from revproxy.proxy.http.waiting import settled


def judge(**policy: object) -> tuple[Judge, Transaction]:
    transaction = Transaction("t", Protocol.HTTP)
    inspection = Inspection([RuleInspector(linked(), 1 << 20)], "x", 5.0)
    return Judge(inspection, Policy(**policy), transaction), transaction  # type: ignore[arg-type]


async def test_enforced() -> None:
    judging, transaction = judge()
    transaction.fields.put("args", [b"attack-1"], [b"a"])
    with pytest.raises(Refused) as caught:
        await judging.judge(Phase.HEAD, Phase.BODY)
    assert (caught.value.status, judging.verdict.action) == (403, Action.DENY)


async def test_detected_only() -> None:
    judging, transaction = judge(enforces=False)
    transaction.fields.put("args", [b"attack-1"], [b"a"])
    await judging.judge(Phase.HEAD, Phase.BODY)
    assert (judging.verdict.action, judging.verdict.passes) == (Action.DENY, True)
    # A later clean phase does not make it forget.
    await judging.judge(Phase.REPLY_HEAD, Phase.REPLY_HEAD)
    assert judging.verdict.action is Action.DENY


async def test_off() -> None:
    judging, transaction = judge(inspects=False)
    transaction.fields.put("args", [b"attack-1"], [b"a"])
    await judging.judge(Phase.HEAD, Phase.BODY)
    assert (judging.inspects, transaction.findings) == (False, [])


class Asked:
    """An inspector that writes down the phases that it is asked for."""

    name = "asked"

    def __init__(self) -> None:
        self.phases: list[Phase] = []

    def inspect(self, transaction: Transaction, first: Phase, *_: object) -> None:
        self.phases.append(first)


@pytest.mark.parametrize("logs", [False, True])
async def test_phase_log_is_asked_for_where_there_is_something_to_do(logs: bool) -> None:
    asked = Asked()
    judging = Judge(Inspection([asked], "x", 5.0, logs=logs), Policy(), Transaction("t", Protocol.HTTP))
    await settled(judging.log())
    assert asked.phases == ([Phase.LOG] if logs else [])


async def test_phase_log_decides_nothing() -> None:
    judging, transaction = judge()
    judging._inspection.logs = True
    transaction.fields.put("args", [b"attack-1"], [b"a"])
    transaction.scores.inbound = 50
    await settled(judging.log())
    assert judging.verdict.action is Action.ALLOW


async def test_what_waits_for_nothing_is_judged_at_once() -> None:
    judging, transaction = judge()
    assert judging.start(Phase.HEAD, Phase.HEAD) is None
    transaction.fields.put("args", [b"attack-1"], [b"a"])
    with pytest.raises(Refused):
        judging.start(Phase.BODY, Phase.BODY)


async def test_what_is_long_is_waited_for() -> None:
    judging, transaction = judge()
    transaction.fields.put("args", [b"attack-1"], [b"a"])
    waiting = judging.start(Phase.BODY, Phase.BODY, 1 << 20)
    assert waiting is not None
    assert judging.verdict.action is Action.ALLOW
    with pytest.raises(Refused):
        await waiting
    assert judging.verdict.action is Action.DENY
