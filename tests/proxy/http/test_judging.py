"""Asking for verdicts under a policy."""

from __future__ import annotations

import pytest
from harness import linked

from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.model import Action, Phase, Protocol, Transaction
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.refusal import Refused
from revproxy.proxy.http.waiting import judge_raw, judge_windows, settled


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
    await judge_windows(judging, pending)
    assert pending == []
    assert [finding.field for finding in transaction.findings] in (["args"], ["body"], ["args", "body"])
    assert "body" not in transaction.fields
    assert "files.content" not in transaction.fields


async def test_the_name_of_a_file_stands_with_its_content() -> None:
    judging, transaction = judge()
    with pytest.raises(Refused):
        await judge_windows(judging, [(b"a.txt", b"attack-1")])
    [finding] = transaction.findings
    assert (finding.field, finding.key) == ("files.content", b"a.txt")


class Asked:
    """An inspector that writes down what it is asked and what a field holds then."""

    name = "asked"

    def __init__(self) -> None:
        self.parts: list[tuple[Phase, bool, dict[str, list[bytes]]]] = []

    def inspect(self, transaction: Transaction, first: Phase, last: Phase, size: int, part: bool) -> None:
        fields = transaction.fields
        self.parts.append((first, part, {name: list(fields.values(name)) for name in fields}))


def watched(*wanted: str, logs: bool = False) -> tuple[Judge, Transaction, Asked]:
    transaction, asked = Transaction("t", Protocol.HTTP), Asked()
    inspection = Inspection([asked], "x", 5.0, wanted=frozenset(wanted), logs=logs)
    return Judge(inspection, Policy(), transaction), transaction, asked


@pytest.mark.parametrize(
    ("wanted", "pending", "seen"),
    [
        (("body", "args"), (None, b"text"), {"body": [b"text"], "args": [b"text"]}),
        (("body", "args"), (None, bytes(9)), {"body": [bytes(9)], "args": [b"1"]}),
        (("args",), (None, b"text"), {"args": [b"text"]}),
        (("args",), (None, bytes(9)), None),
        (("body",), (None, b"text"), {"body": [b"text"], "args": [b"1"]}),
        (("files.content",), (b"f", b"text"), {"files.content": [b"text"], "args": [b"1"]}),
    ],
)
async def test_windows_are_parts(
    wanted: tuple[str, ...], pending: tuple[bytes | None, bytes], seen: dict[str, list[bytes]] | None
) -> None:
    judging, transaction, asked = watched(*wanted)
    transaction.fields.put("args", [b"1"], [b"a"])
    await judge_windows(judging, [pending])
    assert asked.parts == ([(Phase.BODY, True, seen)] if seen is not None else [])
    assert {name: list(transaction.fields.values(name)) for name in transaction.fields} == {"args": [b"1"]}


async def test_windows_of_a_raw_body_are_parts_too() -> None:
    judging, transaction, asked = watched("body.raw")
    await judge_raw(judging, [b"1", b"2"])
    assert asked.parts == [(Phase.BODY, True, {"body.raw": [text]}) for text in (b"1", b"2")]
    assert list(transaction.fields) == []


@pytest.mark.parametrize("logs", [False, True])
async def test_phase_log_is_asked_for_where_there_is_something_to_do(logs: bool) -> None:
    judging, _, asked = watched(logs=logs)
    await settled(judging.log())
    assert [first for first, *_ in asked.parts] == ([Phase.LOG] if logs else [])


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
