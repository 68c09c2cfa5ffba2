"""What a judge waits for, and long contents judged a window at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import pytest
from harness import linked

from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.model import Action, Phase, Protocol, Transaction, Verdict
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.refusal import Refused
from revproxy.proxy.http.waiting import judge_raw, judge_windows, judged, logged, settled

Seen = dict[str, list[bytes]]
DENIED = Verdict(Action.DENY, 5, "score")


class Asked:
    """An inspector that writes down what it is asked and what the fields hold then: at once, or a little later."""

    name = "asked"

    def __init__(self, waits: bool = False) -> None:
        self.parts: list[tuple[Phase, bool, Seen]] = []
        self._waits = waits

    def inspect(
        self, transaction: Transaction, first: Phase, last: Phase, size: int, part: bool
    ) -> Awaitable[None] | None:
        if self._waits:
            return self._later(transaction, first, part)
        self._write(transaction, first, part)
        return None

    async def _later(self, transaction: Transaction, first: Phase, part: bool) -> None:
        await asyncio.sleep(0.01)
        self._write(transaction, first, part)

    def _write(self, transaction: Transaction, first: Phase, part: bool) -> None:
        self.parts.append((first, part, held(transaction)))


def held(transaction: Transaction) -> Seen:
    return {name: list(transaction.fields.values(name)) for name in transaction.fields}


def watched(*wanted: str, waits: bool = False) -> tuple[Judge, Transaction, Asked]:
    transaction, asked = Transaction("t", Protocol.HTTP), Asked(waits)
    inspection = Inspection([asked], "x", 5.0, wanted=frozenset(wanted))
    return Judge(inspection, Policy(), transaction), transaction, asked


def ruled(**policy: bool) -> tuple[Judge, Transaction]:
    """A judge by the rules of `harness`."""
    transaction = Transaction("t", Protocol.HTTP)
    inspection = Inspection([RuleInspector(linked(), 1 << 20)], "x", 5.0)
    return Judge(inspection, Policy(**policy), transaction), transaction


async def given(verdict: Verdict) -> Verdict:
    await asyncio.sleep(0.01)
    return verdict


# Waiting.


async def test_there_may_be_nothing_to_wait_for() -> None:
    waited = []

    async def later() -> None:
        await asyncio.sleep(0)
        waited.append(True)

    await settled(None)
    assert waited == []
    await settled(later())
    assert waited == [True]


@pytest.mark.parametrize("enforced", [True, False])
async def test_a_verdict_that_took_waiting_is_concluded(enforced: bool) -> None:
    judge, _ = ruled()
    verdict = Verdict(Action.DENY, 5, "score", enforced)
    waiting = judged(judge, given(verdict), time.perf_counter(), Phase.HEAD, Phase.BODY, 0, False)
    if enforced:
        with pytest.raises(Refused):
            await waiting
    else:
        await waiting
    assert judge.verdict == verdict
    assert 0.005 < judge.seconds < 5


async def test_what_the_log_finds_decides_nothing() -> None:
    judge, _ = ruled()
    await logged(judge, given(DENIED), time.perf_counter())
    assert judge.verdict.action is Action.ALLOW
    assert 0.005 < judge.seconds < 5


# Windows.


async def test_windows_are_judged_in_order_and_forgotten() -> None:
    judge, transaction = ruled(enforces=False)
    pending: list[tuple[bytes | None, bytes]] = [(None, b"attack-1"), (b"a.txt", b"clean")]
    await judge_windows(judge, pending)
    assert pending == []
    assert [finding.field for finding in transaction.findings] in (["args"], ["body"], ["args", "body"])
    assert held(transaction) == {}


@pytest.mark.parametrize("waits", [False, True])
async def test_each_window_stands_in_its_field_alone(waits: bool) -> None:
    judge, transaction, asked = watched("body", "files.content", waits=waits)
    pending: list[tuple[bytes | None, bytes]] = [(None, b"1"), (b"a", b"2"), (b"b", b"3"), (None, b"4")]
    await judge_windows(judge, pending)
    assert [seen for *_, seen in asked.parts] == [
        {"body": [b"1"]},
        {"files.content": [b"2"]},
        {"files.content": [b"3"]},
        {"body": [b"4"]},
    ]
    assert (pending, held(transaction)) == ([], {})


async def test_nothing_is_looked_at_after_a_window_that_is_refused() -> None:
    judge, transaction = ruled()
    pending: list[tuple[bytes | None, bytes]] = [(b"a", b"clean"), (b"b", b"attack-1"), (b"c", b"attack-2")]
    with pytest.raises(Refused):
        await judge_windows(judge, pending)
    assert [finding.key for finding in transaction.findings] == [b"b"]
    assert pending == [(b"c", b"attack-2")]


async def test_the_name_of_a_file_stands_with_its_content() -> None:
    judge, transaction = ruled()
    with pytest.raises(Refused):
        await judge_windows(judge, [(b"a.txt", b"attack-1")])
    [finding] = transaction.findings
    assert (finding.field, finding.key) == ("files.content", b"a.txt")


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
    wanted: tuple[str, ...], pending: tuple[bytes | None, bytes], seen: Seen | None
) -> None:
    judge, transaction, asked = watched(*wanted)
    transaction.fields.put("args", [b"1"], [b"a"])
    await judge_windows(judge, [pending])
    assert asked.parts == ([(Phase.BODY, True, seen)] if seen is not None else [])
    assert held(transaction) == {"args": [b"1"]}
    assert list(transaction.fields.keys("args")) == [b"a"]


async def test_a_window_of_text_leaves_no_arguments_where_there_were_none() -> None:
    judge, transaction, asked = watched("args")
    await judge_windows(judge, [(None, b"text")])
    assert asked.parts == [(Phase.BODY, True, {"args": [b"text"]})]
    assert held(transaction) == {}


@pytest.mark.parametrize("waits", [False, True])
async def test_windows_of_a_raw_body_are_parts_too(waits: bool) -> None:
    judge, transaction, asked = watched("body.raw", waits=waits)
    await judge_raw(judge, [b"1", b"2"])
    assert asked.parts == [(Phase.BODY, True, {"body.raw": [text]}) for text in (b"1", b"2")]
    assert held(transaction) == {}
