from __future__ import annotations

import asyncio

from revproxy.audit.metrics import Metrics
from revproxy.errors import PeerTimeout
from revproxy.runtime.tally import Tally


class _Child:
    """As much of a child as a tally looks at; `answers` is what it will have counted when asked."""

    def __init__(self, count: int, answers: int | None) -> None:
        self.snapshot = _snapshot(count)
        self.ended = asyncio.get_running_loop().create_future()
        self._answers = answers

    async def ask(self, do: str, timeout: float) -> None:
        assert do == "metrics"
        if self._answers is None:
            raise PeerTimeout("silent")
        self.snapshot = _snapshot(self._answers)


def _snapshot(count: int) -> dict:
    metrics = Metrics()
    metrics.count("revproxy_messages_total", ("allow",), count)
    metrics.gauge("revproxy_workers", 1)
    return metrics.snapshot()


def _total(snapshot: dict) -> tuple[float, float]:
    def value(kind: str, name: str) -> float:
        return sum(number for _, number in snapshot[kind].get(name, []))

    return value("counters", "revproxy_messages_total"), value("gauges", "revproxy_workers")


async def test_ended_workers_count_but_are_not_there():
    tally, one, two = Tally(), _Child(3, 4), _Child(10, 20)
    assert _total(await tally.collect([one, two], 1)) == (24, 2)
    one.ended.set_result(0)
    assert _total(await tally.collect([one, two], 1))[0] == 24, "ended, not yet settled"
    tally.settle(one)
    assert _total(await tally.collect([two], 1)) == (24, 1)
    tally.settle(one)
    assert _total(await tally.collect([], 1)) == (4, 0), "settled once only"


async def test_one_that_is_silent_keeps_its_last_counters():
    assert _total(await Tally().collect([_Child(3, None)], 1)) == (3, 1)


async def test_one_that_is_settled_while_it_is_asked_counts_once():
    tally, child = Tally(), _Child(3, None)

    async def settled(do: str, timeout: float) -> None:
        tally.settle(child)
        raise PeerTimeout("gone")

    child.ask = settled
    assert _total(await tally.collect([child], 1))[0] == 3


async def test_a_worker_without_a_snapshot_is_nothing():
    tally, child = Tally(), _Child(1, None)
    child.snapshot = None
    tally.settle(child)
    assert _total(await tally.collect([child], 1)) == (0, 0)
