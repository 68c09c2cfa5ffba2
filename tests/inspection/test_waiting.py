"""Inspectors that wait: for so long and no longer, and those after them are asked all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from revproxy.inspection import Inspection, Policy
from revproxy.inspection.waiting import decided, rest
from revproxy.model import ALLOWED, Action, Finding, Phase, Protocol, Severity, Transaction, Verdict

Asked = list[tuple[str, tuple[object, ...]]]
SECONDS = 0.05


class Inspector:
    """Writes down that it was asked, and finds something: at once, or after `waits` seconds."""

    def __init__(self, name: str, asked: Asked, waits: float | None = None, breaks: bool = False) -> None:
        self.name = name
        self.cancelled = False
        self._asked, self._waits, self._breaks = asked, waits, breaks

    def inspect(self, transaction: Transaction, *said: object) -> Awaitable[None] | None:
        self._asked.append((self.name, said))
        if self._waits is not None:
            return self._later(transaction, self._waits)
        self._find(transaction)
        return None

    async def _later(self, transaction: Transaction, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self._find(transaction)

    def _find(self, transaction: Transaction) -> None:
        if self._breaks:
            raise ZeroDivisionError("within")
        transaction.findings.append(Finding(self.name, Phase.BODY, Severity.CRITICAL, 5, "m", "args"))
        transaction.scores.inbound += 5


def transaction() -> Transaction:
    return Transaction("t", Protocol.HTTP)


def names(made: Transaction) -> list[str]:
    return [finding.rule for finding in made.findings]


async def judged(inspection: Inspection, made: Transaction, policy: Policy | None = None) -> Verdict:
    """The verdict of an inspection that has to wait."""
    waiting = inspection.start(made, Phase.HEAD, Phase.BODY, policy or Policy(), 7, True)
    assert not isinstance(waiting, Verdict)
    return await waiting


async def test_a_verdict_is_given_whether_it_takes_waiting_or_not() -> None:
    async def later() -> Verdict:
        await asyncio.sleep(0)
        return Verdict(Action.DENY, 5, "score")

    assert await decided(ALLOWED) is ALLOWED
    assert await decided(later()) == Verdict(Action.DENY, 5, "score")


async def test_only_those_that_follow_are_asked_and_of_the_same() -> None:
    asked: Asked = []
    inspectors = [Inspector("a", asked), Inspector("b", asked), Inspector("c", asked, 0), Inspector("d", asked)]
    made = transaction()
    inspection = Inspection(inspectors, "x", 5.0)
    said = (Phase.HEAD, Phase.BODY)
    verdict = await rest(inspection, asyncio.sleep(0), 2, made, *said, Policy(), 7, True)
    assert asked == [("c", (*said, 7, True)), ("d", (*said, 7, True))]
    assert names(made) == ["c", "d"]
    assert (verdict, inspection.failures) == (Verdict(Action.DENY, 10, "score"), 0)


async def test_nobody_is_asked_before_the_one_that_waits_is_done() -> None:
    asked: Asked = []
    made = transaction()
    inspection = Inspection([Inspector("a", asked, 0.01), Inspector("b", asked)], "x", 5.0)
    waiting = inspection.start(made, Phase.HEAD, Phase.BODY, Policy())
    assert not isinstance(waiting, Verdict)
    assert [name for name, _ in asked] == ["a"]
    await waiting
    assert names(made) == ["a", "b"]


@pytest.mark.parametrize(("threshold", "action"), [(10, Action.DENY), (11, Action.ALLOW)])
async def test_the_policy_decides_when_all_were_asked(threshold: int, action: Action) -> None:
    inspection = Inspection([Inspector("a", [], 0), Inspector("b", [], 0)], "x", 5.0)
    verdict = await judged(inspection, transaction(), Policy(inbound_threshold=threshold))
    assert (verdict.action, verdict.score) == (action, 10)


@pytest.mark.parametrize("action", [Action.DEFER, Action.DENY])
@pytest.mark.parametrize("enforces", [True, False])
@pytest.mark.parametrize("before", [0, 1])
async def test_who_takes_too_long_is_a_failure(
    action: Action, enforces: bool, before: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it is the first that waits or a later one; it is not left running, and nobody is asked any more."""
    asked: Asked = []
    slow = Inspector("slow", asked, 60)
    inspectors = [*(Inspector("first", asked, 0) for _ in range(before)), slow, Inspector("last", asked)]
    inspection = Inspection(inspectors, "x", SECONDS, action)
    made = transaction()
    async with asyncio.timeout(10):
        verdict = await judged(inspection, made, Policy(enforces=enforces))
    assert (verdict.action, verdict.reason, verdict.enforced) == (action, "inspection-failed", enforces)
    assert (slow.cancelled, inspection.failures) == (True, 1)
    assert [name for name, _ in asked] == [*["first"] * before, "slow"]
    assert names(made) == ["first"] * before
    assert "TimeoutError" in caplog.text


@pytest.mark.parametrize("action", [Action.DEFER, Action.DENY])
@pytest.mark.parametrize("breaking", ["first", "later", "at once"])
async def test_what_breaks_is_a_failure(action: Action, breaking: str, caplog: pytest.LogCaptureFixture) -> None:
    inspectors = [
        Inspector("first", [], 0, breaking == "first"),
        Inspector("later", [], 0, breaking == "later"),
        Inspector("at once", [], None, breaking == "at once"),
    ]
    inspection = Inspection(inspectors, "x", 5.0, action)
    verdict = await judged(inspection, transaction(), Policy(inbound_threshold=100))
    assert (verdict.action, verdict.reason, inspection.failures) == (action, "inspection-failed", 1)
    assert "ZeroDivisionError: within" in caplog.text


async def test_who_is_cancelled_has_not_failed() -> None:
    slow = Inspector("slow", [], 60)
    inspection = Inspection([slow], "x", 60.0)
    task = asyncio.ensure_future(judged(inspection, transaction()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (slow.cancelled, inspection.failures) == (True, 0)
