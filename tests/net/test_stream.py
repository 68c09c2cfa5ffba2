"""Streams over real sockets: heads in pieces, flow control both ways, deadlines, every way to end."""

import asyncio
import socket
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import LimitError, PeerClosed, PeerTimeout
from revproxy.net.stream import HIGH_WATER, Stream

Pair = tuple[Stream, Stream]
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_heads_that_came_together_are_read_one_by_one(pair: Pair) -> None:
    ours, theirs = pair
    theirs.write(HEAD + b"body" + HEAD)
    assert await ours.read_head(1000, 5) == HEAD
    assert await ours.read_some(5, 4) == b"body"
    assert await ours.read_head(1000, 5) == HEAD
    assert ours.buffered == 0
    assert ours.peer == theirs.local
    assert ours.tls is None


@given(st.binary(max_size=20), st.lists(st.integers(0, 60), max_size=10))
def test_any_cut_gives_the_same_head(after: bytes, cuts: list[int]) -> None:
    async def run() -> None:
        stream = Stream(asyncio.get_running_loop())
        task = asyncio.create_task(stream.read_head(1000, 5))
        wire = HEAD + after
        at = 0
        for end in [*sorted(cut for cut in cuts if cut <= len(wire)), len(wire)]:
            await asyncio.sleep(0)
            if end > at:
                stream.data_received(wire[at:end])
            at = end
        assert await task == HEAD
        assert stream.take(1000) == after

    asyncio.run(run())


async def test_a_head_without_end_is_bounded(pair: Pair) -> None:
    ours, theirs = pair
    theirs.write(b"x" * 2000)
    with pytest.raises(LimitError):
        await ours.read_head(1000, 5)
    theirs.write(HEAD)
    with pytest.raises(LimitError):
        await ours.read_head(1000, 5)


async def test_trickling_does_not_help(pair: Pair) -> None:
    ours, theirs = pair

    async def trickle() -> None:
        for byte in HEAD:
            theirs.write(bytes([byte]))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(trickle())
    with pytest.raises(PeerTimeout):
        await ours.read_head(1000, 0.3)
    assert ours.buffered
    task.cancel()


async def test_silence_ends_in_a_timeout_and_the_stream_lives_on(pair: Pair) -> None:
    ours, theirs = pair
    with pytest.raises(PeerTimeout):
        await ours.read_some(0.05)
    with pytest.raises(PeerTimeout):
        await ours.wait_data(0.05)
    theirs.write(b"x")
    assert await ours.wait_data(5)
    assert await ours.read_some(5) == b"x"


async def test_the_end_of_the_peer(pair: Pair) -> None:
    ours, theirs = pair
    theirs.write(b"abc")
    theirs.close()
    assert await ours.read_some(5, 2) == b"ab"
    with pytest.raises(PeerClosed):
        await ours.read_head(100, 5)
    assert ours.buffered == 1
    assert await ours.read_some(5) == b"c"
    assert await ours.read_some(5) == b""
    assert not await ours.wait_data(5)
    with pytest.raises(PeerClosed):
        await ours.read_head(100, 5)


async def test_after_the_peer_ended_its_side_ours_still_speaks(pair: Pair) -> None:
    ours, theirs = pair
    theirs.transport.write_eof()
    assert await ours.read_some(5) == b""
    ours.write(b"answer")
    assert await theirs.read_some(5) == b"answer"


async def test_a_reset_is_no_end(pair: Pair) -> None:
    ours, theirs = pair
    sock = theirs.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    reader = asyncio.create_task(ours.read_some(5))
    await asyncio.sleep(0)
    theirs.abort()
    with pytest.raises(PeerClosed):
        await reader
    with pytest.raises(PeerClosed):
        ours.write(b"x")
    with pytest.raises(PeerClosed):
        await ours.drain()


async def test_what_is_read_ahead_is_bounded(pair: Pair) -> None:
    ours, theirs = pair
    total = 8 * 1024 * 1024
    theirs.write(b"x" * total)
    await ours.wait_data(5)
    await asyncio.sleep(0.1)
    assert ours.buffered <= HIGH_WATER + 256 * 1024
    got = 0
    while got < total:
        got += len(await ours.read_some(5))
    assert got == total


async def test_unread_bytes_come_first(pair: Pair) -> None:
    ours, theirs = pair
    theirs.write(b"world")
    await ours.wait_data(5)
    ours.unread(b"hello ")
    assert await ours.read_some(5) == b"hello world"
    ours.unread(b"")
    ours.unread(HEAD)
    assert await ours.read_head(100, 5) == HEAD


async def test_a_slow_peer_is_waited_for(pair: Pair) -> None:
    ours, theirs = pair
    ours.write(b"x" * 8 * 1024 * 1024)
    assert ours.choked
    drain = asyncio.create_task(ours.drain(2))
    got = 0
    while got < 8 * 1024 * 1024:
        got += len(await theirs.read_some(5))
    await drain
    assert not ours.choked
    await ours.drain()


async def test_a_peer_that_takes_nothing_is_cut_off(pair: Pair) -> None:
    ours, _ = pair
    lost = asyncio.Event()
    ours.on_lost = lambda _: lost.set()
    ours.write(b"x" * 32 * 1024 * 1024)
    with pytest.raises(PeerTimeout):
        await ours.drain(0.3)
    await asyncio.wait_for(lost.wait(), 5)
    assert ours.closed


async def test_a_peer_that_takes_nothing_cannot_hold_a_closing_stream(pair: Pair) -> None:
    ours, _ = pair
    lost = asyncio.Event()
    ours.on_lost = lambda _: lost.set()
    ours.write(b"x" * 32 * 1024 * 1024)
    ours.close()
    await asyncio.wait_for(lost.wait(), 5)


async def test_progress_buys_time() -> None:
    loop = asyncio.get_running_loop()
    stream = Stream(loop, stall=10)
    transport = mock.Mock()
    transport.get_extra_info.return_value = None
    # 6,000 bytes in ten seconds are enough, 1,000 are not.
    transport.get_write_buffer_size.side_effect = [10_000, 4_000, 3_000]
    stream.connection_made(transport)
    stream.pause_writing()
    now = loop.time() + 11
    stream.expire(now)
    assert stream.deadline == stream.write_deadline == now + 10
    stream.expire(now + 11)
    transport.abort.assert_called_once()
    stream.connection_lost(None)


async def test_closing_sends_what_is_queued(pair: Pair) -> None:
    ours, theirs = pair
    ours.write(b"bye")
    ours.close()
    ours.close()
    assert await theirs.read_some(5) == b"bye"
    assert await theirs.read_some(5) == b""


async def test_an_idle_stream_that_hears_something_is_not_clean(pair: Pair) -> None:
    ours, theirs = pair
    assert ours.is_idle_clean()
    theirs.write(b"HTTP/1.1 408 x\r\n\r\n")
    await ours.wait_data(5)
    assert not ours.is_idle_clean()


async def test_an_idle_stream_is_closed_in_time_and_a_busy_one_is_not(pair: Pair) -> None:
    ours, theirs = pair
    theirs.idle_until(0.01)
    ours.idle_until(0.01)
    ours.busy()
    assert await ours.read_some(5) == b""
    assert theirs.closing
    assert not ours.closing


async def test_a_cancelled_reader_leaves_the_stream_usable(pair: Pair) -> None:
    ours, theirs = pair
    reader = asyncio.create_task(ours.read_some(5))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    theirs.write(b"x")
    assert await ours.read_some(5) == b"x"


async def test_two_readers_are_a_bug_of_ours(pair: Pair) -> None:
    ours, _ = pair
    reader = asyncio.create_task(ours.read_some(5))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await ours.read_some(5)
    reader.cancel()


async def test_more_is_waited_for_though_there_is_some(pair: Pair) -> None:
    ours, theirs = pair
    theirs.write(b"ab")
    assert await ours.wait_data(5, 1)
    with pytest.raises(PeerTimeout):
        await ours.wait_data(0.05, 2)
    theirs.write(b"c")
    assert await ours.wait_data(5, 2)
    theirs.close()
    assert not await ours.wait_data(5, 3)
    assert await ours.read_some(5) == b"abc"
