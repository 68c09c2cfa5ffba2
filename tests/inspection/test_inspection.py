"""Inspectors in order, within their time; a failure to decide is a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from revproxy.detection.rules import FILLED
from revproxy.inspection import Inspection, Policy
from revproxy.model import Action, Finding, Phase, Protocol, Severity, Transaction, Verdict


class Says:
    """Finds something at once, or after waiting."""

    def __init__(self, name: str, waits: bool = False) -> None:
        self.name = name
        self._waits = waits

    def inspect(self, transaction: Transaction, *_: object) -> Awaitable[None] | None:
        if self._waits:
            return self._later(transaction)
        self._find(transaction)
        return None

    async def _later(self, transaction: Transaction) -> None:
        await asyncio.sleep(0)
        self._find(transaction)

    def _find(self, transaction: Transaction) -> None:
        transaction.findings.append(Finding(self.name, Phase.HEAD, Severity.CRITICAL, 5, "m", "args"))
        transaction.scores.inbound += 5


class Breaks:
    name = "breaks"

    def inspect(self, transaction: Transaction, *_: object) -> None:
        raise ZeroDivisionError("within")


async def never() -> None:
    await asyncio.Event().wait()


class Hangs:
    name = "hangs"

    def inspect(self, transaction: Transaction, *_: object) -> Awaitable[None]:
        return never()


def transaction() -> Transaction:
    return Transaction("t", Protocol.HTTP)


async def test_all_are_asked_in_order() -> None:
    made = transaction()
    inspection = Inspection([Says("a"), Says("b", waits=True), Says("c")], "set", 5.0)
    verdict = await inspection.inspect(made, Phase.HEAD, Phase.BODY, Policy())
    assert [finding.rule for finding in made.findings] == ["a", "b", "c"]
    assert (verdict.action, verdict.score, inspection.failures) == (Action.DENY, 15, 0)


async def test_nobody_is_asked_when_inspection_is_off() -> None:
    verdict = await Inspection([Breaks()], "set", 5.0).inspect(
        transaction(), Phase.HEAD, Phase.BODY, Policy(inspects=False)
    )
    assert verdict.action is Action.ALLOW


@pytest.mark.parametrize("inspector", [Breaks(), Hangs()])
@pytest.mark.parametrize("action", [Action.DEFER, Action.DENY])
@pytest.mark.parametrize("enforces", [True, False])
async def test_a_failure_is_a_decision(
    inspector: Breaks | Hangs, action: Action, enforces: bool, caplog: pytest.LogCaptureFixture
) -> None:
    inspection = Inspection([inspector], "set", 0.05, action)
    verdict = await inspection.inspect(transaction(), Phase.HEAD, Phase.BODY, Policy(enforces=enforces))
    assert (verdict.action, verdict.reason, verdict.enforced) == (action, "inspection-failed", enforces)
    assert inspection.failures == 1
    assert "inspection failed" in caplog.text


async def test_cancellation_is_no_failure() -> None:
    inspection = Inspection([Hangs()], "set", 5.0)
    task = asyncio.ensure_future(inspection.inspect(transaction(), Phase.HEAD, Phase.BODY, Policy()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inspection.failures == 0


@pytest.mark.parametrize("part", [False, True])
async def test_inspectors_are_told_of_parts(part: bool) -> None:
    asked: list[object] = []

    class Listens:
        name = "listens"

        def inspect(self, *said: object) -> None:
            asked.extend(said[1:])

    inspection = Inspection([Listens()], "set", 5.0)
    await inspection.inspect(transaction(), Phase.BODY, Phase.BODY, Policy(), 7, part)
    assert asked == [Phase.BODY, Phase.BODY, 7, part]


def test_what_is_wanted_is_all_unless_somebody_knows_better() -> None:
    assert Inspection([], "set", 5.0).wanted == FILLED
    assert Inspection([], "set", 5.0, wanted=frozenset({"args"}), logs=True).wanted == {"args"}
    assert not Inspection([], "set", 5.0).logs


async def test_what_waits_for_nothing_is_decided_at_once() -> None:
    inspection = Inspection([Says("a")], "x", 1.0)
    assert inspection.start(transaction(), Phase.HEAD, Phase.BODY, Policy()) == Verdict(Action.DENY, 5, "score")
    inspection = Inspection([Breaks()], "x", 1.0)
    verdict = inspection.start(transaction(), Phase.HEAD, Phase.BODY, Policy())
    assert isinstance(verdict, Verdict)
    assert verdict.action is Action.DEFER


async def test_who_waits_is_waited_for_and_those_after_it_are_asked() -> None:
    made = transaction()
    inspection = Inspection([Says("a"), Says("b", waits=True), Says("c"), Says("d", waits=True)], "x", 1.0)
    waiting = inspection.start(made, Phase.HEAD, Phase.BODY, Policy(inbound_threshold=20))
    assert not isinstance(waiting, Verdict)
    assert [finding.rule for finding in made.findings] == ["a"]
    assert (await waiting).action is Action.DENY
    assert [finding.rule for finding in made.findings] == ["a", "b", "c", "d"]


async def test_what_breaks_after_one_that_waited_fails_closed() -> None:
    inspection = Inspection([Says("a", waits=True), Breaks()], "x", 1.0)
    verdict = await inspection.inspect(transaction(), Phase.HEAD, Phase.BODY, Policy())
    assert (verdict.action, verdict.reason) == (Action.DEFER, "inspection-failed")
