"""The pool: never over its cap, first come first served, nothing lost by whoever gives up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from revproxy.config.settings import Address, Upstream
from revproxy.errors import UpstreamError
from revproxy.model import Timeouts
from revproxy.net.dialer import DirectDialer
from revproxy.net.pool import Pool
from revproxy.net.stream import Stream

TIMEOUTS = Timeouts(pool_wait=0.2, upstream_keep_alive=0.3)


class Inside:
    """An internal server that says nothing; `streams` are its ends."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Stream(loop, self.streams.append), "127.0.0.1", 0)
        self.address = Address(*self.server.sockets[0].getsockname())

    def stop(self) -> None:
        self.server.close()
        for stream in self.streams:
            stream.abort()


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    inside = Inside()
    await inside.start()
    yield inside
    inside.stop()
    await asyncio.sleep(0.01)


def pool_of(inside: Inside, connections: int, timeouts: Timeouts = TIMEOUTS) -> Pool:
    upstream = Upstream("web", inside.address, connections=connections)
    return Pool(upstream, DirectDialer([upstream]), timeouts)


async def test_the_connection_used_last_is_used_next(inside: Inside) -> None:
    pool = pool_of(inside, 5)
    assert pool.try_acquire() is None
    first, second = await pool.acquire(), await pool.acquire()
    assert not first.reused
    pool.release(first, True)
    pool.release(second, True)
    assert pool.idle == pool.total == 2
    assert pool.try_acquire() is second
    assert second.reused
    assert await pool.acquire() is first
    pool.release(first, False)
    pool.release(second, False)
    assert (pool.total, pool.dialled, pool.reused) == (0, 2, 2)


async def test_who_waits_is_served_in_the_order_of_coming(inside: Inside) -> None:
    pool = pool_of(inside, 1)
    stream = await pool.acquire()
    waiters = [asyncio.create_task(pool.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    assert pool.waiting == 3
    pool.release(stream, True)
    assert await waiters[0] is stream
    pool.release(stream, False)
    fresh = await waiters[1]
    assert fresh is not stream
    assert not fresh.reused
    assert pool.total == 1
    pool.release(fresh, True)
    assert await waiters[2] is fresh
    pool.release(fresh, True)
    pool.close()
    assert pool.total == 0


async def test_waiting_ends_in_pool_full(inside: Inside) -> None:
    pool = pool_of(inside, 1)
    stream = await pool.acquire()
    with pytest.raises(UpstreamError, match="pool_full"):
        await pool.acquire()
    assert (pool.full, pool.total, pool.waiting) == (1, 1, 1)
    pool.release(stream, True)
    assert (pool.idle, pool.total) == (1, 1)
    pool.close()


@pytest.mark.parametrize("reusable", [True, False])
async def test_a_waiter_that_is_cancelled_loses_nothing(inside: Inside, reusable: bool) -> None:
    pool = pool_of(inside, 1)
    stream = await pool.acquire()
    gone, here = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    # Served and cancelled within one turn of the loop.
    pool.release(stream, reusable)
    gone.cancel()
    got = await here
    assert (got is stream) == reusable
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert pool.total == 1
    pool.release(got, False)
    assert pool.total == 0


async def test_an_idle_connection_that_says_anything_is_not_used(inside: Inside) -> None:
    pool = pool_of(inside, 2)
    stream = await pool.acquire()
    pool.release(stream, True)
    inside.streams[0].write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    await stream.wait_data(5)
    assert pool.try_acquire() is None
    assert pool.total == 0


async def test_an_idle_connection_that_the_inside_closes_leaves_the_pool(inside: Inside) -> None:
    pool = pool_of(inside, 2)
    stream = await pool.acquire()
    pool.release(stream, True)
    inside.streams[0].close()
    await stream.wait_data(5)
    assert pool.try_acquire() is None
    assert (pool.idle, pool.total) == (0, 0)


async def test_an_idle_connection_grows_old(inside: Inside) -> None:
    pool = pool_of(inside, 2)
    pool.release(await pool.acquire(), True)
    async with asyncio.timeout(5):
        assert await inside.streams[0].read_some(5) == b""
        await asyncio.sleep(0.01)
    assert (pool.idle, pool.total) == (0, 0)


async def test_a_fresh_connection_makes_room_for_itself(inside: Inside) -> None:
    pool = pool_of(inside, 1)
    stale = await pool.acquire()
    pool.release(stale, True)
    fresh = await pool.acquire(fresh=True)
    assert fresh is not stale
    assert not fresh.reused
    assert (pool.total, pool.idle) == (1, 0)
    pool.release(fresh, False)


async def test_a_failed_dial_gives_its_right_on(inside: Inside) -> None:
    pool = pool_of(inside, 1)
    inside.server.close()
    await inside.server.wait_closed()
    results = await asyncio.gather(*(pool.acquire() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, UpstreamError) for result in results)
    assert (pool.total, pool.failed) == (0, 3)
