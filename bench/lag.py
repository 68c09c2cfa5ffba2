"""Who waits while something large or hostile is inspected: how long the loop is held, and what requests beside see.

    python -m bench lag [--rules PATH] [--level N] [--seconds S]

First, in process, each hostile value alone (`bench.hostile`): how long the loop stands still at a time while it is
inspected, and how long the inspection takes. Then the front end with one worker, on one processor, under the mixed
load of `bench.crs` at a steady rate of 40 % of what it can do: once as it is, once with one request in a hundred
being a hostile one. The table has the times of the ordinary requests, and how late the worker's loop ran as its
metrics tell (`revproxy_loop_late_seconds`, fifty looks a second). The machine's own pauses are in all figures: the
run without hostile requests tells how large they are.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Protocol
from urllib.request import urlopen

import uvloop

from bench import crs, hostile
from bench.growth import ours_of
from bench.inspect import Ours
from bench.loads import Maker
from bench.measure import share_of
from bench.paced import Paced
from bench.peers import ROOT, Front, crs_setup, pinned, web_server
from bench.replay import Request, Told, write

SHARE = 0.4
"""Of what the front end can do at most."""
EVERY = 100
"""One request in so many is hostile."""
HELD_MS = 20.0
"""Milliseconds that nobody may hold the loop for."""
P99_MS = 50.0
"""Milliseconds that 99 of 100 ordinary requests stay under."""
CLIENT_LATE = 0.02
"""Seconds: where the client was later, the machine had other work."""
TICK = 0.001
"""Seconds between two looks at the loop, in process."""
TIMES = 5
"""Each value is inspected so often; the worst counts."""
_WARM_SECONDS = 3.0
_LATE = re.compile(rb'^revproxy_loop_late_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)', re.MULTILINE)
_LATER = (0.01, 0.025, 0.05)
"""Seconds, bounds of the histogram: looks at the loop that came later than these are counted."""


@dataclass(frozen=True, slots=True)
class Held:
    """Milliseconds of one inspection: the longest that the loop stood still, and all of it."""

    longest: float
    took: float


class Inspecting(Protocol):
    """What is measured."""

    async def inspected(self, raw: bytes) -> object:
        """Inspect a request."""


async def held(ours: Inspecting, raw: bytes) -> Held:
    """Inspect a request and look at the loop meanwhile."""
    worst = 0.0
    over = asyncio.Event()

    async def look() -> None:
        nonlocal worst
        while not over.is_set():
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            worst = max(worst, time.perf_counter() - due)

    looking = asyncio.create_task(look())
    await asyncio.sleep(TICK)
    began = time.perf_counter()
    await ours.inspected(raw)
    took = time.perf_counter() - began
    over.set()
    await looking
    return Held(1e3 * worst, 1e3 * took)


def alone(ours: Ours) -> Iterator[str]:
    """A line for each value: of each size the longest hold and the time that the inspection took."""
    make = Maker(3)
    worst = 0.0
    # As a worker does.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for name in hostile.VALUES:
            line = f"  {name:12}"
            for size in hostile.SIZES:
                found = [runner.run(held(ours, hostile.request(name, make, size))) for _ in range(TIMES)]
                longest = max(each.longest for each in found)
                worst = max(worst, longest)
                line += f"{longest:10.1f} {max(each.took for each in found):8.1f}"
            yield line
    yield f"  longest: {worst:.1f} ms (at most {HELD_MS:g} ms) {_verdict(worst <= HELD_MS)}"


def mixed(count: int, seed: int, with_hostile: bool) -> Iterator[Request]:
    """The mixed load, and hostile requests among it, of which any status is right."""
    ordinary = crs.requests(crs.LOADS["mixed"], seed, 1, count)
    make = Maker(-seed)
    kinds = cycle([(name, size) for size in hostile.SIZES for name in hostile.VALUES])
    for at, request in enumerate(ordinary):
        if with_hostile and at % EVERY == EVERY // 2:
            name, size = next(kinds)
            yield 0, hostile.request(name, make, size)
        else:
            yield request


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks at the worker's loop: all, and those that came later than `_LATER`."""

    all: int
    late: tuple[int, ...]

    def since(self, before: Looks) -> Looks:
        """Those after `before`."""
        return Looks(self.all - before.all, tuple(a - b for a, b in zip(self.late, before.late, strict=True)))


@dataclass(frozen=True, slots=True)
class Bench:
    """A front end under load, and the processor of who sends it."""

    front: Front
    folder: Path
    client_core: int

    def capacity(self, seconds: float) -> float:
        """Ordinary requests a second, at most."""
        write(self.folder / "requests", mixed(20_000, 1, False))
        told = Told(**self._client("replay", "16", str(seconds)))
        return told.done / seconds

    def paced(self, rate: float, seconds: float, seed: int, with_hostile: bool) -> Paced:
        """So many requests a second."""
        write(self.folder / "requests", mixed(int(rate * seconds), seed, with_hostile))
        return Paced(**self._client("paced", str(rate)))

    def looks(self) -> Looks:
        """All since the front end began."""
        with urlopen(f"http://127.0.0.1:{self.front.admin}/metrics") as answer:
            found = {float(bound): int(float(count)) for bound, count in _LATE.findall(answer.read())}
        return Looks(found[math.inf], tuple(found[math.inf] - found[bound] for bound in _LATER))

    def _client(self, module: str, *arguments: str) -> dict[str, object]:
        command = [sys.executable, "-m", f"bench.{module}", str(self.front.port), *arguments]
        with pinned(self.client_core):
            output = subprocess.run(
                [*command, str(self.folder / "requests")], cwd=ROOT, stdout=subprocess.PIPE, check=True
            ).stdout
        told: dict[str, object] = json.loads(output)
        return told


def rows(name: str, told: Paced, looks: Looks) -> Iterator[str]:
    """The lines of a run."""
    for who, times in (("ordinary", told.ordinary), ("hostile", told.hostile)):
        if times:
            p50, p99, most = (1e3 * share_of(times, share) for share in (0.5, 0.99, 1.0))
            verdict = _verdict(p99 <= P99_MS) if who == "ordinary" else ""
            yield f"  {name:8} {who:9} {len(times):7} {p50:9.1f} {p99:9.1f} {most:9.1f} {verdict}"
    late = ", ".join(f"{count} > {1e3 * bound:g} ms" for bound, count in zip(_LATER, looks.late, strict=True))
    yield f"  {name:8} {looks.all} looks at the loop, late by: {late} {_verdict(not looks.late[1])}"
    if told.wrong or told.errors or told.late > CLIENT_LATE:
        yield f"    {told.wrong} not as expected, {told.errors} not answered; the client was {told.late:.3f} s late"


def _verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


def live(rules: Path, level: int, seconds: float) -> Iterator[str]:
    """The front end under load."""
    with tempfile.TemporaryDirectory(prefix="revproxy-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        proxy, client = crs.cores()
        with pinned(client):
            inside = web_server(folder / "inside")
        stack.callback(inside.stop)
        setup = folder / "setup.conf"
        setup.write_text(crs_setup(level))
        with pinned(proxy):
            front = Front(folder / "front", inside.port, None, "enforce", [setup, rules])
        stack.callback(front.stop)
        bench = Bench(front, folder, client)
        rate = SHARE * bench.capacity(_WARM_SECONDS)
        yield f"\nMixed load, {rate:.0f} requests per second ({SHARE:.0%} of the most), {seconds:g} s; milliseconds"
        yield f"  {'run':8} {'requests':9} {'n':>7} {'p50':>9} {'p99':>9} {'max':>9}"
        for at, (name, with_hostile) in enumerate((("without", False), ("with", True))):
            bench.paced(rate, _WARM_SECONDS, 10 + at, with_hostile)
            before = bench.looks()
            told = bench.paced(rate, seconds, 20 + at, with_hostile)
            yield from rows(name, told, bench.looks().since(before))


def run(rules: Path, level: int, seconds: float) -> Iterator[str]:
    """The lines of both parts."""
    yield f"\nMilliseconds of one inspection: longest hold of the loop, and all of it; level {level}"
    yield f"  {'value':12}{''.join(f'{size // 1000:>7} kB{chr(32) * 9}' for size in hostile.SIZES)}"
    yield from alone(ours_of(rules, level))
    if absent := crs.missing(rules):
        yield f"  left out: {absent}"
        return
    yield from live(rules, level, seconds)
