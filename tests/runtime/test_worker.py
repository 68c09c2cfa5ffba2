from __future__ import annotations

import asyncio
import os
import pickle
import signal
import time

import pytest

from revproxy.audit.metrics import merge
from revproxy.errors import PeerTimeout
from revproxy.runtime import channel
from revproxy.runtime.child import Child, WorkerFailed
from revproxy.runtime.parcel import Parcel
from revproxy.runtime.parts import Hello
from revproxy.runtime.worker import own_metrics


@pytest.fixture
async def worker(prepared, listening, echo_argv):
    """`await worker(...)`: a real worker process that was not told to accept yet."""
    made = []

    async def start(beat=1.0, **plan):
        fd = listening.fileno()
        parcel = Parcel.of(prepared(**plan))
        with parcel.stored() as stored:
            hello = Hello(1, 0, beat, {"web": fd}, parcel.prepared, parcel.sizes, stored)
            frame = channel.frame(pickle.dumps(hello))
            made.append(await Child.spawn(echo_argv, os.environ, frame, (fd, stored), 0))
        made[-1].held = frozenset(parcel.pieces)
        return made[-1]

    yield start
    for child in made:
        await child.kill(signal.SIGKILL, 5)


async def test_its_life(worker, listening, talk):
    child = await worker()
    await child.ready()
    await child.go(10)
    assert await talk(listening, "hello") == f"{child.pid} one hello\n"
    assert set(await child.ask("status", 10)) == {"talks", "waiting"}
    await child.ask("metrics", 10)
    gauges = child.snapshot["gauges"]
    assert gauges["revproxy_workers"] == [[[], 1]]
    assert gauges["revproxy_memory_bytes"][0][1] > 5_000_000
    assert gauges["revproxy_ruleset_info"] == [[["one"], 1]]
    assert child.snapshot["counters"]["revproxy_connections_total"] == [[["echo"], 1]]
    await child.drain(5, 5)
    assert await child.ended == 0


async def test_what_a_terminal_sends_to_the_group_is_not_for_it(worker):
    child = await worker()
    await child.ready()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        child.signal(number)
    assert await child.ask("status", 10) == {"talks": 0, "waiting": 0}


async def test_beats_carry_the_counters(worker):
    child = await worker(beat=0.02)
    await child.ready()
    await child.go(10)
    take, came = child._take, asyncio.Event()

    def noticed(message):
        take(message)
        if "snapshot" in message:
            came.set()

    child._take = noticed
    await asyncio.wait_for(came.wait(), 10)
    assert child.snapshot["gauges"]["revproxy_workers"] == [[[], 1]]


async def test_sigterm_drains_and_a_second_one_cuts(worker, listening):
    child = await worker(drain_seconds=60.0)
    await child.ready()
    await child.go(10)
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.getsockname()[1])
    writer.write(b"hello\n")
    await reader.readline()
    child.signal(signal.SIGTERM)
    writer.write(b"again\n")
    assert await reader.readline()
    await child.ask("status", 10)
    child.signal(signal.SIGTERM)
    assert await reader.read() == b""
    assert await child.ended == 0
    writer.close()
    await writer.wait_closed()


async def test_it_ends_when_the_supervisor_is_gone(worker):
    child = await worker()
    await child.ready()
    child._writer.close()
    assert await child.ended == 0


async def test_it_says_why_it_is_not_ready(worker):
    child = await worker(faults={"build": "no rules"})
    with pytest.raises(WorkerFailed, match=r"rules\.yaml: no rules"):
        await child.ready()
    assert await child.ended == 1


async def test_one_that_cannot_accept_still_ends_cleanly(worker):
    child = await worker(faults={"start": "port gone"})
    await child.ready()
    with pytest.raises(WorkerFailed, match="port gone"):
        await child.go(10)
    await child.drain(5, 5)
    assert await child.ended == 0


async def test_one_that_drains_does_not_begin_to_accept(worker):
    child = await worker()
    await child.ready()
    drain, go = await asyncio.gather(child.drain(5, 5), child.go(5), return_exceptions=True)
    assert drain is None
    assert isinstance(go, Exception)
    assert await child.ended == 0


def test_its_own_metrics_are_in_the_table():
    assert merge([own_metrics("abc", 7.0).snapshot()])["gauges"]["revproxy_ruleset_info"] == [[["abc"], 1]]


async def said(listening, text="hello"):
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.getsockname()[1])
    try:
        writer.write(text.encode() + b"\n")
        return (await reader.readline()).decode().split()[1:]
    finally:
        writer.close()
        await writer.wait_closed()


async def test_other_rules_are_made_ready_then_swapped_in(worker, prepared, listening):
    child = await worker(pieces={"a": b"hay", "b": b"straw"})
    await child.ready()
    await child.go(10)
    assert await said(listening, "pieces") == ["one", "hay", "straw"]
    parcel = Parcel.of(prepared(name="two", pieces={"b": b"not sent again", "c": b"needle"}))
    await child.load(parcel, 10)
    assert await said(listening) == ["one", "hello"]
    await child.swap(parcel, 10)
    assert await said(listening, "pieces") == ["two", "hay", "needle", "straw"]
    assert child.held == {"b", "c"}
    await child.ask("metrics", 10)
    gauges = child.snapshot["gauges"]
    assert gauges["revproxy_ruleset_info"] == [[["two"], 1]]
    assert gauges["revproxy_start_time_seconds"][0][1] < time.time()


async def test_what_is_under_way_ends_as_it_began(worker, prepared, listening):
    child = await worker()
    await child.ready()
    await child.go(10)
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.getsockname()[1])
    writer.write(b"hello\nwait\n")
    assert b" one hello" in await reader.readline()
    while (await child.ask("status", 10))["waiting"] == 0:
        pass
    parcel = Parcel.of(prepared(name="two"))
    await child.load(parcel, 10)
    await child.swap(parcel, 10)
    writer.write(b"go on\n")
    assert b" one wait" in await reader.readline()
    writer.write(b"hello\n")
    assert b" two hello" in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_rules_that_cannot_be_made_ready_change_nothing(worker, prepared, listening):
    child = await worker()
    await child.ready()
    await child.go(10)
    parcel = Parcel.of(prepared(name="two", faults={"load": "no memory"}))
    with pytest.raises(WorkerFailed, match=r"rules\.yaml: no memory"):
        await child.load(parcel, 10)
    with pytest.raises(WorkerFailed, match="nothing to swap in"):
        await child.swap(parcel, 10)
    assert await said(listening) == ["one", "hello"]


async def test_it_answers_while_rules_are_made_ready(worker, prepared, tmp_path):
    child = await worker()
    await child.ready()
    await child.go(10)
    os.mkfifo(tmp_path / "fifo")
    faults = {"stall": "load", "fifo": str(tmp_path / "fifo")}
    loading = asyncio.create_task(child.load(Parcel.of(prepared(name="two", faults=faults)), 10))
    with await asyncio.to_thread(open, tmp_path / "fifo", "wb"):
        assert (await child.ask("status", 10))["talks"] == 0
        assert not loading.done()
    await loading


async def test_one_that_was_sent_half_is_killed(worker, prepared):
    child = await worker()
    await child.ready()
    child.signal(signal.SIGSTOP)
    with pytest.raises(PeerTimeout):
        await child.load(Parcel.of(prepared(name="two", pieces={"a": bytes(1 << 24)})), 0.2)
    assert await child.ended == -signal.SIGKILL
