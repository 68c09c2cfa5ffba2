"""When staged rules are promoted or held. The clock and the workers are the test's, what is started is real."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import replace

import pytest

from revproxy.config.settings import Feeds, Settings
from revproxy.config.settings import Staging as Bounds
from revproxy.errors import ConfigError, Location
from revproxy.inspection.staging import Report
from revproxy.runtime.child import WorkerFailed
from revproxy.runtime.parts import Plan, Staged
from revproxy.runtime.staging import AGAIN_SECONDS, MOST_AGAIN_SECONDS, SECONDS, Staging

BOUNDS = Bounds(least=10.0, transactions=100, most=1000.0)
AT_ONCE = replace(BOUNDS, least=0.0, transactions=0)
WRITE = "import sys; open(sys.argv[1], 'ab').write(b'x')"


class Rules:
    def __init__(self, name):
        self.ruleset_name = name


class Workers:
    """A generation."""

    def __init__(self, name="old", bounds=BOUNDS):
        self.ruleset_name, self.staged, self.fails = name, [], False
        self.settings = Settings((), (), feeds=Feeds(staging=bounds))
        self.told = {}

    async def stage(self, prepared):
        if self.fails:
            raise WorkerFailed("no memory")
        self.staged.append(prepared.ruleset_name)

    async def unstage(self):
        self.staged.append("")

    async def tell(self, do):
        assert do == "staged"
        return {pid: report and report.told() for pid, report in self.told.items()}


class World:
    """A staging; what sleeps does so until `pass_`."""

    def __init__(self, tmp_path, code=WRITE):
        self.file, self.now, self.asked = tmp_path / "file", 0.0, asyncio.Queue()
        self._go = asyncio.Queue()
        self.workers, self.staged = Workers(), Staged("ours:1", lambda: Rules("new"))
        settle = (sys.executable, "-c", code, str(self.file))
        plan = Plan(lambda: None, (), "", staged=self._found, settle=settle)
        self.staging = Staging(plan, lambda: self.workers, self._sleep, lambda: self.now)

    def _found(self, settings):
        if isinstance(self.staged, Exception):
            raise self.staged
        return self.staged

    async def _sleep(self, seconds):
        self.asked.put_nowait(seconds)
        await self._go.get()

    async def pass_(self, seconds):
        """So much time passes, with one look; how long it waits for the next."""
        assert await asyncio.wait_for(self.asked.get(), 20) == SECONDS
        self.now += seconds
        self._go.put_nowait(None)
        waits = await asyncio.wait_for(self.asked.get(), 20)
        self.asked.put_nowait(waits)
        return waits

    @property
    def settled(self):
        return len(self.file.read_bytes()) if self.file.exists() else 0


@pytest.fixture
async def made(tmp_path):
    worlds = []

    def make(**more):
        worlds.append(World(tmp_path, **more))
        return worlds[-1]

    yield make
    for one in worlds:
        await one.staging.close()


async def test_a_good_set_is_promoted_after_its_time(made):
    one = made()
    await one.staging.look()
    assert one.workers.staged == ["new"]
    one.workers.told = {1: Report(judged=60), 2: Report(judged=60)}
    assert await one.pass_(9.0) == SECONDS
    told = one.staging.told()
    assert (told["report"]["judged"], told["seconds"], told["seconds_left"], told["decision"]) == (120, 9.0, 1.0, "")
    assert await one.pass_(1.0) == AGAIN_SECONDS
    assert (one.staging.told()["decision"], one.settled) == ("promote", 1)
    # Still beside the other until that is in force.
    assert one.workers.staged == ["new"]


async def test_a_bad_one_is_held_at_once(made):
    one = made()
    await one.staging.look()
    one.workers.told = {1: Report(judged=10, new_denials=10), 2: None}
    assert await one.pass_(1.0) == AGAIN_SECONDS
    told = one.staging.told()
    assert (told["decision"], one.settled, one.workers.staged) == ("hold", 1, ["new", ""])
    assert told["report"]["new_denials"] == 10
    assert "newly deny 10" in told["why"]


async def test_nothing_is_staged(made):
    one = made()
    one.staged = None
    await one.staging.look()
    assert (one.staging.told(), one.workers.staged) == ({}, [])
    one.workers = None
    await one.staging.look()
    assert one.staging.told() == {}


async def test_what_cannot_be_read_is_not_staged(made, caplog):
    one = made()
    one.staged = ConfigError("broken", Location("staged.json"))
    await one.staging.look()
    assert one.staging.told() == {}
    assert "broken" in caplog.text


async def test_what_cannot_be_prepared_is_held(made):
    def prepare():
        raise ConfigError("no such rule", Location("a.yaml"))

    one = made()
    one.staged = Staged("ours:1", prepare)
    await one.staging.look()
    assert await one.pass_(0.0) == AGAIN_SECONDS
    told = one.staging.told()
    assert (told["decision"], one.settled) == ("hold", 1)
    assert "it cannot be staged: a.yaml" in told["why"]


async def test_what_workers_cannot_make_ready_is_held(made):
    one = made()
    one.workers.fails = True
    await one.staging.look()
    assert await one.pass_(0.0) == AGAIN_SECONDS
    assert "no memory" in one.staging.told()["why"]


async def test_counts_of_workers_that_ended_stay(made):
    one = made()
    await one.staging.look()
    one.workers.told = {1: Report(judged=60)}
    await one.pass_(1.0)
    one.workers.told = {2: Report(judged=50)}
    await one.pass_(1.0)
    assert one.staging.told()["report"]["judged"] == 110


async def test_a_worker_that_says_nonsense_says_nothing(made):
    one = made()
    await one.staging.look()

    async def tell(_do):
        return {1: {"judged": "many"}, 2: Report(judged=1).told()}

    one.workers.tell = tell
    await one.pass_(1.0)
    assert one.staging.told()["report"]["judged"] == 1


async def test_a_reload_with_the_same_sets_goes_on(made):
    one = made()
    await one.staging.look()
    one.workers.told = {1: Report(judged=60)}
    await one.pass_(8.0)
    before = one.workers
    await one.staging.look()
    assert before.staged == ["new"]
    one.workers = Workers()
    await one.staging.look()
    assert (before.staged, one.workers.staged) == (["new", ""], ["new"])
    one.asked.get_nowait()
    one.workers.told = {2: Report(judged=60)}
    assert await one.pass_(2.0) == AGAIN_SECONDS
    assert one.staging.told()["report"]["judged"] == 120


@pytest.mark.parametrize("what", ["in force", "staged", "name"])
async def test_other_sets_begin_anew(made, what):
    one = made()
    await one.staging.look()
    one.workers.told = {1: Report(judged=60)}
    await one.pass_(8.0)
    one.workers.told = {}
    if what == "in force":
        one.workers.ruleset_name = "older"
    else:
        one.staged = Staged(
            "ours:2" if what == "name" else "ours:1", lambda: Rules("newer" if what == "staged" else "new")
        )
    await one.staging.look()
    told = one.staging.told()
    assert (told["report"]["judged"], told["seconds"]) == (0, 0.0)


async def test_what_could_not_be_carried_out_is_tried_again_later_and_later(made):
    one = made(code=WRITE + "; sys.exit(1)")
    one.workers.settings = replace(
        one.workers.settings, feeds=Feeds(staging=replace(BOUNDS, least=0.0, transactions=0))
    )
    await one.staging.look()
    assert await one.pass_(0.0) == AGAIN_SECONDS
    waits = []
    for _ in range(10):
        waits.append(await one.asked.get())
        one._go.put_nowait(None)
    await asyncio.wait_for(one.asked.get(), 20)
    assert waits[:3] == [10.0, 20.0, 40.0]
    assert waits[-1] == MOST_AGAIN_SECONDS
    assert one.settled == 11


async def test_what_could_not_be_carried_out_is_tried_again_after_a_reload(made, caplog):
    caplog.set_level(logging.INFO)
    one = made(code=WRITE + "; sys.exit(1)")
    one.workers = Workers(bounds=AT_ONCE)
    await one.staging.look()
    assert await one.pass_(0.0) == AGAIN_SECONDS
    one.workers = Workers(bounds=AT_ONCE)
    one.asked.get_nowait()
    await one.staging.look()
    assert await asyncio.wait_for(one.asked.get(), 20) == AGAIN_SECONDS
    # It was decided already, and said.
    assert (one.settled, one.workers.staged, one.staging.told()["decision"]) == (2, [], "promote")
    assert len([record for record in caplog.records if ": promote: of " in record.getMessage()]) == 1


async def test_what_carries_it_out_may_ask_for_its_end(made):
    """It says what is staged now before it ends, and is not cut off by that."""
    one = made(code="import sys; open(sys.argv[1] + '.fifo').read();" + WRITE[11:])
    os.mkfifo(f"{one.file}.fifo")
    one.workers = Workers(bounds=AT_ONCE)
    await one.staging.look()
    assert await one.asked.get() == SECONDS
    one._go.put_nowait(None)
    # Opened once both ends are.
    fifo = await asyncio.to_thread(open, f"{one.file}.fifo", "w")
    one.staged = None
    await one.staging.look()
    assert (one.staging.told(), one.settled) == ({}, 0)
    fifo.close()
    await one.staging._settling
    assert one.settled == 1


async def test_what_cannot_be_started_is_said(made, caplog):
    one = made()
    one.staging._plan = replace(one.staging._plan, settle=("/nonexistent/program",))
    one.workers.settings = replace(
        one.workers.settings, feeds=Feeds(staging=replace(BOUNDS, least=0.0, transactions=0))
    )
    await one.staging.look()
    assert await one.pass_(0.0) == AGAIN_SECONDS
    assert "cannot be carried out: No such file" in caplog.text
