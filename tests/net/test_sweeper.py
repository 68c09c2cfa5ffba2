"""One timer for all deadlines."""

import asyncio

from revproxy.net.sweeper import NEVER, sweeper_of


class Watched:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired = asyncio.Event()

    def expire(self, now: float) -> None:
        assert self.deadline <= now
        self.deadline = NEVER
        self.expired.set()


async def test_what_is_late_is_told_so_once_and_nothing_else_is() -> None:
    loop = asyncio.get_running_loop()
    sweeper = sweeper_of(loop)
    assert sweeper is sweeper_of(loop)
    late, patient = Watched(loop.time() + 0.01), Watched(NEVER)
    sweeper.add(late)
    sweeper.add(patient)
    await asyncio.wait_for(late.expired.wait(), 2)
    assert not patient.expired.is_set()
    sweeper.discard(late)
    sweeper.discard(patient)
    assert len(sweeper) == 0


async def test_it_starts_again_after_it_had_nothing_to_do() -> None:
    loop = asyncio.get_running_loop()
    sweeper = sweeper_of(loop)
    for _ in range(2):
        late = Watched(loop.time())
        sweeper.add(late)
        await asyncio.wait_for(late.expired.wait(), 2)
        sweeper.discard(late)
        await asyncio.sleep(0.3)
