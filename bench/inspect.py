"""Microseconds of CPU time that one inspection takes, in process, beside libmodsecurity on the same rules.

    python -m bench.inspect [--rules PATH]... [--level N] [--load NAME]... [--count N] [--seconds S]

Each request is another one (`loads`). Both engines get heads that were taken apart beforehand, and what is timed is
theirs to do: values and names from targets, cookies and bodies, then phases 1 and 2. They take turns in blocks, and
the table has medians. libmodsecurity gets `--seconds` for a load and does as many requests as fit, never fewer than
three. Without a CRS folder, or without libmodsecurity, we are measured alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
import typing
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import uvloop

try:
    # Before Hyperscan, whose C++ library it otherwise stumbles over ("free(): invalid pointer").
    from bench.modsecurity import Theirs
except ImportError:
    Theirs = None

from bench.loads import LOADS, REPLAYED, load
from bench.measure import share_of
from bench.peers import CRS, crs_files
from revproxy.app.build import inspection_of
from revproxy.app.compiled import compiled
from revproxy.app.ftw import seclang_overrides
from revproxy.app.ftw.inprocess import linked_of
from revproxy.app.unconfigured import offline_settings
from revproxy.config.shipped import shipped_signatures
from revproxy.detection.link import RuleSet
from revproxy.errors import HttpError
from revproxy.inspection import Policy
from revproxy.model import Protocol, Transaction
from revproxy.protocols.http1 import parse_request
from revproxy.proxy.http import inspect_request, judge_request
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.refusal import Refused
from revproxy.proxy.outcome import Outcome

COUNT = 2000
"""Requests of a load, where nothing else is asked for."""
EVERYTHING = 10**6
BLOCK = 100
"""Requests of one engine before it is the other one's turn."""
WANTED = {
    1: {
        "get-unique": 10,
        "get": 20,
        "form": 60,
        "long-form": 100,
        "json": 100,
        "multipart": 8,
        "attack": 7,
        "notes": 3,
        REPLAYED: 7,
    },
    4: dict.fromkeys(("get-unique", "get", "form", "long-form", "json"), 5),
}
"""How many times faster than libmodsecurity we mean to be, by paranoia level."""


class Contestant(typing.Protocol):
    """One of the engines."""

    name: str

    def run(self, raws: list[bytes]) -> tuple[list[float], int]:
        """(microseconds of CPU time for each, how many rules fired for the last one)"""


class Ours:
    """Our engine, with the fields and the inspectors of the front end around it."""

    name = "revproxy"

    def __init__(self, rules: RuleSet) -> None:
        settings = offline_settings()
        self._inspection = inspection_of(rules, settings)
        # Nobody is refused, so that all phases are carried out.
        self._policy = Policy(enforces=False)
        self._limits = settings.limits
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def run(self, raws: list[bytes]) -> tuple[list[float], int]:
        """All of them in one go, since entering a loop costs as much as a request."""
        return self._runner.run(self._all(raws))

    def outcome(self, raw: bytes) -> Outcome:
        """What becomes of one request."""
        return self._runner.run(self.inspected(raw))

    async def inspected(self, raw: bytes) -> Outcome:
        """The same on a loop that runs."""
        return await inspect_request(raw, self._inspection, self._policy, self._limits)

    async def _all(self, raws: list[bytes]) -> tuple[list[float], int]:
        times = []
        fired = 0
        for raw in raws:
            end = raw.find(b"\r\n\r\n") + 4
            try:
                head = parse_request(raw[:end], self._limits.http)
            except HttpError:
                continue  # The gate refuses it: no rule ever sees such a request.
            body = raw[end:]
            began = time.process_time_ns()
            transaction = Transaction("bench", Protocol.HTTP)
            judge = Judge(self._inspection, self._policy, transaction)
            with suppress(Refused):
                await judge_request(head, end, body, judge, transaction, self._limits)
            times.append((time.process_time_ns() - began) / 1e3)
            fired = len(transaction.findings)
        return times, fired


@dataclass(slots=True)
class Timed:
    """One engine on one load."""

    name: str
    times: list[float] = field(default_factory=list)
    fired: int = 0

    def take(self, run: tuple[list[float], int]) -> None:
        """Add what a run gave."""
        times, self.fired = run
        self.times += times

    @property
    def seconds(self) -> float:
        """All of it together."""
        return sum(self.times) / 1e6

    @property
    def median(self) -> float:
        """Of all requests."""
        return statistics.median(self.times)

    def most(self, share: float) -> float:
        """What that share of the requests stays under."""
        return share_of(self.times, share)


def measure(name: str, contestants: list[Contestant], count: int, seconds: float) -> list[Timed]:
    """Each engine on the same requests, in turns. The first one does all, others until their time is up."""
    raws = load(name, count)
    found = [Timed(one.name) for one in contestants]
    while block := list(islice(raws, BLOCK)):
        found[0].take(contestants[0].run(block))
        for one, timed in zip(contestants[1:], found[1:], strict=True):
            rest = block
            while rest and timed.seconds < seconds:
                # Slow ones get small bites, so that a budget of seconds means something.
                bite = _bite(timed, seconds - timed.seconds)
                timed.take(one.run(rest[:bite]))
                rest = rest[bite:]
    return found


def _bite(timed: Timed, seconds: float) -> int:
    if len(timed.times) < 3:
        return 3
    return max(1, min(BLOCK, int(seconds * 1e6 / max(timed.median, 1.0))))


def contestants_of(paths: list[str], level: int) -> tuple[list[Contestant], str]:
    """Who runs, and what was loaded. libmodsecurity runs where it is installed and the rules are a CRS folder."""
    before = seclang_overrides(level)
    began = time.perf_counter()
    rules = linked_of(paths, before, offline_settings())
    took = time.perf_counter() - began
    size = sum(map(len, rules.databases().values()))
    told = f"{', '.join(paths)}: linked in {took:.1f} s, databases {size >> 10} KiB"
    found: list[Contestant] = [Ours(rules)]
    files = [file for path in paths for file in crs_files(Path(path))]
    if files and Theirs is not None:
        found.append(Theirs(before, files))
    return found, told


def rows(contestants: list[Contestant], asked: argparse.Namespace) -> Iterator[str]:
    """A line for each load."""
    wanted = WANTED.get(asked.level, {})
    for name in asked.load or [*LOADS, REPLAYED]:
        count = asked.count or (EVERYTHING if name == REPLAYED else COUNT)
        ours, *others = measure(name, contestants, count, asked.seconds)
        line = f"{name:12} {len(ours.times):6} {ours.median:10.1f} {ours.most(0.95):10.1f} {ours.fired:4}"
        for theirs in others:
            ratio = theirs.median / ours.median
            verdict = "" if name not in wanted else "ok" if ratio >= wanted[name] else "SLOW"
            line += f" {len(theirs.times):6} {theirs.median:12.1f} {theirs.fired:4} {ratio:8.1f}"
            line += f" {wanted.get(name, ''):>6} {verdict}"
        yield line


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="python -m bench.inspect", description=__doc__.partition("\n")[0])
    made.add_argument("--rules", action="append", metavar="PATH", help="a CRS folder, or signatures (CRS, else ours)")
    made.add_argument("--level", type=int, default=1, choices=(1, 2, 3, 4), help="paranoia level (1)")
    made.add_argument("--load", action="append", choices=[*LOADS, REPLAYED], help="only this one; may be repeated")
    made.add_argument("--count", type=int, help=f"requests of each load ({COUNT})")
    made.add_argument("--seconds", type=float, default=20.0, help="what libmodsecurity may take for a load (20)")
    return made


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    asked = parser().parse_args(arguments)
    paths = asked.rules or [str(CRS) if CRS.is_dir() else str(shipped_signatures())]
    contestants, told = contestants_of(paths, asked.level)
    # As a worker does.
    gc.collect()
    gc.freeze()
    how = "compiled" if compiled() else "interpreted (`make compiled`)"
    print(f"{told}; level {asked.level}, microseconds of CPU time for each request; data path {how}")
    head = f"{'load':12} {'n':>6} {'revproxy':>10} {'95 %':>10} {'hits':>4}"
    print(head + (f" {'n':>6} {'ModSecurity':>12} {'hits':>4} {'times':>8} {'wanted':>6}" if contestants[1:] else ""))
    for line in rows(contestants, asked):
        print(line, flush=True)


if __name__ == "__main__":
    main()
