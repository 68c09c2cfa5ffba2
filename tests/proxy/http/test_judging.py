"""Asking for verdicts under a policy."""

from __future__ import annotations

import pytest
from harness import linked

from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.model import Action, Phase, Protocol, Transaction
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.refusal import Refused


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


async def test_windows_are_judged_in_order_and_forgotten() -> None:
    judging, transaction = judge(enforces=False)
    pending: list[tuple[bytes | None, bytes]] = [(None, b"attack-1"), (b"a.txt", b"clean")]
    await judging.windows(pending)
    assert pending == []
    assert [finding.field for finding in transaction.findings] in (["args"], ["body"], ["args", "body"])
    assert "body" not in transaction.fields
    assert "files.content" not in transaction.fields


async def test_the_name_of_a_file_stands_with_its_content() -> None:
    judging, transaction = judge()
    with pytest.raises(Refused):
        await judging.windows([(b"a.txt", b"attack-1")])
    [finding] = transaction.findings
    assert (finding.field, finding.key) == ("files.content", b"a.txt")
