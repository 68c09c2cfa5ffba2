"""The benchmark of the loop: hostile requests among ordinary ones, and what is told of a run."""

from __future__ import annotations

import asyncio
import time

import pytest

from bench import hostile
from bench.lag import EVERY, Looks, held, mixed, rows
from bench.loads import Maker
from bench.measure import share_of
from bench.paced import Paced


@pytest.mark.parametrize("name", hostile.VALUES)
@pytest.mark.parametrize("size", hostile.SIZES)
def test_a_hostile_value_has_its_size(name: str, size: int) -> None:
    assert 0.9 * size <= len(hostile.VALUES[name](Maker(1), size)) <= size


def test_one_request_in_a_hundred_is_hostile_and_none_comes_twice() -> None:
    made = list(mixed(3 * EVERY, 1, True))
    assert sum(status == 0 for status, _ in made) == 3
    assert len({raw for _, raw in made}) == len(made)
    assert {status for status, _ in mixed(EVERY, 1, False)} == {200, 403}


class Holding:
    """Inspects by holding the loop, and then by waiting."""

    async def inspected(self, raw: bytes) -> None:
        until = time.perf_counter() + 0.05
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0.02)


async def test_the_longest_hold_is_seen() -> None:
    found = await held(Holding(), b"")
    assert 45 <= found.longest < found.took
    assert found.took >= 70


def test_a_run_is_judged_by_its_ordinary_requests_and_by_the_loop() -> None:
    looks = Looks(300, (9, 4, 1)).since(Looks(100, (2, 4, 1)))
    assert looks == Looks(200, (7, 0, 0))
    lines = list(rows("with", Paced(ordinary=[0.001] * 99 + [0.2], hostile=[0.3]), looks))
    assert lines[0].split() == ["with", "ordinary", "100", "1.0", "1.0", "200.0", "met"]
    assert lines[1].split() == ["with", "hostile", "1", "300.0", "300.0", "300.0"]
    assert lines[2].endswith("200 looks at the loop, late by: 7 > 10 ms, 0 > 25 ms, 0 > 50 ms met")
    slow = list(rows("with", Paced(ordinary=[0.06], errors=2), Looks(200, (7, 1, 0))))
    assert all("NOT MET" in line for line in slow[:2])
    assert "2 not answered" in slow[2]


def test_a_share_of_times() -> None:
    assert [share_of([3.0, 1.0, 2.0], share) for share in (0.0, 0.5, 1.0)] == [1.0, 2.0, 3.0]
    assert share_of([], 0.99) == 0.0
