"""Lingering: an early answer arrives although the peer still sends, within bounds."""

import asyncio

from revproxy.net.linger import linger
from revproxy.net.stream import Stream

Pair = tuple[Stream, Stream]


async def test_lingering_lets_an_early_answer_arrive(pair: Pair) -> None:
    ours, theirs = pair
    theirs.write(b"x" * 200_000)
    ours.write(b"413")
    lingering = asyncio.create_task(linger(ours, 5, 1_000_000))
    theirs.write(b"x" * 200_000)
    assert await theirs.read_some(5) == b"413"
    assert await theirs.read_some(5) == b""
    theirs.close()
    await lingering
    assert ours.closing


async def test_lingering_is_bounded_in_time_and_bytes(pair: Pair) -> None:
    ours, theirs = pair
    await linger(ours, 0.05, 1000)
    assert ours.closing
    assert await theirs.read_some(5) == b""
