from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

import pytest

from revproxy.runtime.child import WorkerFailed
from revproxy.runtime.generation import Generation
from revproxy.runtime.parcel import Parcel
from revproxy.runtime.parts import Plan, Timing


@pytest.fixture
async def make(prepared, listening, echo_argv):
    """`make(timing=..., argv=..., workers=2, ...)`: a generation of echo workers, and who was settled."""
    made = []

    def start(timing=None, argv=echo_argv, **plan):
        settled = []
        whole = Plan(lambda: None, argv, "r.yaml", timing=timing or Timing())
        made.append(Generation(1, prepared(**plan), {"web": listening}, whole, settled.append))
        return made[-1], settled

    yield start
    for generation in made:
        await generation.kill()


async def test_nobody_accepts_before_go(make, listening, talk):
    generation, settled = make(workers=2)
    await generation.start()
    assert not generation.whole
    waiting = asyncio.create_task(talk(listening))
    assert await generation.tell("status") == {child.pid: {"talks": 0, "waiting": 0} for child in generation.children}
    assert not waiting.done()
    await generation.go()
    assert generation.whole
    assert int((await waiting).split()[0]) in {child.pid for child in generation.children}
    await generation.drain()
    assert generation.stopped.is_set()
    assert len(settled) == 2
    assert generation.children == []
    counted = [child.snapshot["counters"].get("revproxy_connections_total", [[0, 0]])[0][1] for child in settled]
    assert sum(counted) == 1, "the last counters come with the end"


async def test_a_dead_worker_is_settled_and_replaced(make, listening, talk):
    generation, settled = make(workers=1)
    await generation.start()
    await generation.go()
    dead = generation.children[0]
    dead.signal(signal.SIGKILL)
    await dead.ended
    assert not generation.whole
    assert int((await talk(listening)).split()[0]) != dead.pid
    assert settled == [dead]
    assert generation.restarts == 1


async def test_one_that_cannot_be_replaced_is_tried_again(make, tmp_path, echo_argv, caplog, listening, talk):
    (tmp_path / "works").touch()
    script = f"""
import os, pathlib, sys
if pathlib.Path({str(tmp_path / "works")!r}).exists():
    os.execv(sys.executable, [*{echo_argv!r}, sys.argv[1]])
pathlib.Path({str(tmp_path / "works")!r}).touch()
"""
    generation, _ = make(argv=(sys.executable, "-c", script), workers=1)
    await generation.start()
    await generation.go()
    (tmp_path / "works").unlink()
    first = generation.children[0]
    first.signal(signal.SIGKILL)
    await first.ended
    assert await talk(listening)
    assert "a new worker failed: worker" in caplog.text
    assert "(exit code 0)" in caplog.text


async def test_all_begin_before_any_is_waited_for(make, talk, listening):
    generation, _ = make(workers=2)
    await generation.begin()
    assert [(child.ended.done(), child.accepting) for child in generation.children] == [(False, False)] * 2
    await generation.ready()
    await generation.go()
    assert (await talk(listening)).split()[0] in {str(child.pid) for child in generation.children}


async def test_one_that_fails_to_build(make):
    generation, _ = make(workers=2, faults={"build": "no rules"})
    with pytest.raises(WorkerFailed, match=r"worker \d+: rules\.yaml: no rules"):
        await generation.start()
    await generation.abandon()
    assert generation.children == []


async def test_one_that_takes_too_long(make):
    argv = (sys.executable, "-c", "import threading; threading.Event().wait()")
    generation, settled = make(timing=Timing(ready=0.3), argv=argv)
    with pytest.raises(WorkerFailed, match=r"not ready within 0\.3 s"):
        await generation.start()
    await generation.abandon()
    assert settled[0].ended.result() == -signal.SIGKILL


async def test_one_that_fails_to_accept_and_the_program_that_is_not_there(make):
    generation, _ = make(faults={"start": "port gone"})
    await generation.start()
    with pytest.raises(WorkerFailed, match="port gone"):
        await generation.go()
    await generation.abandon()
    assert generation.children == []
    generation, _ = make(argv=("/nonexistent/program",))
    with pytest.raises(WorkerFailed, match="No such file"):
        await generation.start()


async def test_draining_while_a_worker_is_being_replaced_leaves_nobody(make):
    generation, settled = make(workers=1, timing=Timing(backoff_first=0.0))
    await generation.start()
    await generation.go()
    spawn, spawning = generation._spawn, asyncio.Event()

    async def noticed(index):
        spawning.set()
        return await spawn(index)

    generation._spawn = noticed
    first = generation.children[0]
    first.signal(signal.SIGKILL)
    await first.ended
    await spawning.wait()
    await generation.drain()
    assert generation.children == []
    assert len(settled) == 2
    for child in settled:
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


@pytest.fixture
async def serving(make):
    """`await serving(...)`: a generation that accepts."""

    async def start(**plan):
        generation, _ = make(**plan)
        await generation.start()
        await generation.go()
        return generation

    return start


async def names(generation, talk, listening, count=8):
    return {(await talk(listening)).split()[1] for _ in range(count)}


async def test_rules_are_swapped_in_all_workers(serving, prepared, talk, listening):
    generation = await serving(workers=2, pieces={"a": b"1"})
    pids = [child.pid for child in generation.children]
    new = prepared(name="two", workers=2, pieces={"a": b"1", "b": b"2"}, sets={"ours": "12ab"}, drain_seconds=9.0)
    assert generation.differs_in_rules(new)
    await generation.swap(new)
    assert generation.ruleset_name == "two"
    assert generation.settings is new.settings
    assert generation.sets == {"ours": "12ab"}
    assert not generation.differs_in_rules(new)
    assert await names(generation, talk, listening) == {"two"}
    assert [child.pid for child in generation.children] == pids
    assert generation.restarts == 0


async def test_other_settings_are_no_matter_of_rules(serving, prepared):
    generation = await serving(workers=1)
    assert not generation.differs_in_rules(prepared(name="two", rest="another"))
    assert not generation.differs_in_rules(prepared())


async def test_who_replaces_a_dead_worker_begins_with_the_new_rules(serving, prepared, talk, listening):
    generation = await serving(workers=1)
    await generation.swap(prepared(name="two", workers=1, pieces={"a": b"1"}))
    dead = generation.children[0]
    dead.signal(signal.SIGKILL)
    await dead.ended
    assert (await talk(listening, "pieces")).split()[1:] == ["two", "1"]


async def test_rules_that_one_cannot_make_ready_come_into_force_nowhere(serving, prepared, talk, listening):
    generation = await serving(workers=2)
    with pytest.raises(WorkerFailed, match="no memory"):
        await generation.swap(prepared(name="two", workers=2, faults={"load": "no memory"}))
    assert generation.ruleset_name == "one"
    assert await names(generation, talk, listening) == {"one"}


async def test_a_worker_that_dies_meanwhile_does_not_stop_the_others(serving, prepared, talk, listening, tmp_path):
    generation = await serving(workers=2)
    os.mkfifo(tmp_path / "fifo")
    faults = {"stall": "load", "fifo": str(tmp_path / "fifo")}
    swapping = asyncio.create_task(generation.swap(prepared(name="two", workers=2, faults=faults)))
    with await asyncio.to_thread(open, tmp_path / "fifo", "wb"):
        dead = generation.children[0]
        dead.signal(signal.SIGKILL)
        await dead.ended
    while not swapping.done():
        # The other one may come to the FIFO only now.
        with suppress(OSError):
            os.close(os.open(tmp_path / "fifo", os.O_WRONLY | os.O_NONBLOCK))
        await asyncio.wait([swapping], timeout=0.01)
    await swapping
    assert await names(generation, talk, listening) == {"two"}


async def test_one_that_cannot_swap_is_replaced(serving, prepared, talk, listening, caplog):
    generation = await serving(workers=1)
    first = generation.children[0]
    await generation.swap(prepared(name="two", workers=1, faults={"swap": "a bug"}))
    await first.ended
    assert "cannot swap: worker" in caplog.text
    assert (await talk(listening)).split()[:2] == [str(generation.children[0].pid), "two"]


async def test_what_is_in_force_already(serving, prepared):
    generation = await serving(workers=1)
    assert generation.has(prepared())
    assert not generation.has(prepared(name="two"))
    assert not generation.has(prepared(rest="another"))


async def reports(generation):
    """By whose rules the workers judge besides."""
    return [told and told["fault"] for told in (await generation.tell("staged")).values()]


async def test_rules_in_shadow(serving, prepared):
    generation = await serving(workers=2)
    await generation.stage(prepared(name="other", workers=2))
    assert await reports(generation) == ["other", "other"]
    assert generation.ruleset_name == "one"
    await generation.unstage()
    assert await reports(generation) == [None, None]


async def test_rules_that_one_worker_cannot_make_ready_are_in_no_shadow(serving, prepared):
    generation = await serving(workers=2)
    with pytest.raises(WorkerFailed, match="no memory"):
        await generation.stage(prepared(name="other", workers=2, faults={"load": "no memory"}))
    assert await reports(generation) == [None, None]
    assert generation.whole


async def test_pieces_that_are_in_shadow_are_not_sent_again(serving, prepared):
    generation = await serving(workers=1, pieces={"a": b"1"})
    new = prepared(name="two", workers=1, pieces={"a": b"1", "b": b"2"})
    await generation.stage(new)
    (child,) = generation.children
    assert (child.held, child.beside) == ({"a"}, {"a", "b"})
    await generation.swap(new)
    assert child.held == {"a", "b"}
    await generation.unstage()
    assert (child.held, child.beside) == ({"a", "b"}, frozenset())


@pytest.mark.parametrize("faults", [{}, {"load": "no memory"}])
async def test_who_replaces_a_dead_worker_judges_by_both_where_it_can(
    serving, prepared, talk, listening, caplog, faults
):
    generation = await serving(workers=1)
    await generation.stage(prepared(name="other", workers=1))
    generation._staged = Parcel.of(prepared(name="other", workers=1, faults=faults))
    (child,) = generation.children
    child.signal(signal.SIGKILL)
    await child.ended
    await talk(listening)
    async with generation._changing:
        pass
    assert await reports(generation) == ["other" if not faults else None]
    assert ("judges by what is in force only" in caplog.text) is bool(faults)
