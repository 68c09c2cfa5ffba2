"""The front end with OWASP CRS, end to end, beside nginx + libmodsecurity and a proxy with Coraza.

    python -m bench crs [--rules PATH] [--level N] [--load NAME]... [--rounds N] [--seconds S]

Before the same internal nginx, with the same rules and thresholds, each of them on one processor and the client on
another one where there are two. In each round all get the same requests, made beforehand, of which the contents never
come again, also not in another round; recorded requests are dealt out to the rounds and all replayed. Figures are
requests per second of CPU time of all processes of the proxy: medians of the rounds, and the median of the ratios to
the peer that was better in that round. A contestant whose answers are not the expected ones (of ordinary requests, of
attacks, of bodies with an attack at their very end) is not compared.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from pathlib import Path
from urllib.parse import quote_plus

from bench import loads
from bench.measure import cpu_seconds
from bench.peers import (
    MODSECURITY,
    ROOT,
    Front,
    Peer,
    coraza,
    crs_files,
    crs_setup,
    nginx_modsecurity,
    pinned,
    web_server,
)
from bench.replay import Request, Told, write

OURS = "revproxy"
_REPLAY_SECONDS = 600.0
_WARM = 50
"""One so-many-th of a run is sent before the first one."""
_EXPECTED = {"attack": 403}
_INJECTION = "-1' union select password,2 from users where 1=1-- -"
_LAST = {
    "form": f"&last={quote_plus(_INJECTION)}",
    "long-form": f"&last={quote_plus(_INJECTION)}",
    "json": f',{{"last":"{_INJECTION}"}}]',
}
"""What makes the body of a load an attack: one more value at its end. A proxy that passes it has not read so far."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: loads of `bench.loads` in turn, so many at most in a run, over so many connections."""

    parts: tuple[str, ...]
    wanted: int
    most: int = 20_000
    connections: int = 16


LOADS = {
    "get": Load(("get",), 10),
    "form": Load(("form",), 30, most=12_000),
    "attack": Load(("attack",), 6),
    "mixed": Load(("get", "form", "get", "get", "attack", "get", "get", "form", "get", "get"), 10),
    loads.REPLAYED: Load((), 6),
    "long-form": Load(("long-form",), 60, most=500, connections=2),
    "json": Load(("json",), 80, most=200, connections=2),
}
"""By name, with how many times faster than the better peer we mean to be at level 1. The large ones come last: after
them a Go program's heap is so large that the others would cost it more."""
_NOTES = """\
  Requests per second of CPU time of the proxy alone; `times` is against the better peer, in brackets the lowest and
  the highest round; `wanted` is for level 1. nginx: {nginx} with {modsecurity};
  Coraza: {coraza} in a reverse proxy of net/http.
  All have the same rules and thresholds, inspect answers (each one a new page of 1 kB) and refuse broken bodies with
  400. They differ: revproxy writes an access and an audit log, nginx an access and an error log, Coraza an error log.
  revproxy has a supervisor and a worker, nginx a master and a worker, Coraza one process with GOMAXPROCS=1. HTTP that
  is not strict is refused by revproxy before any rule, by nginx and net/http as they see fit."""
_LENGTH = re.compile(rb"(\r\ncontent-length: *)[0-9]+", re.IGNORECASE)
_REQUIRED = re.compile(r"^require github.com/corazawaf/coraza/v3 (\S+)", re.MULTILINE)


@dataclass(slots=True)
class Result:
    """One contestant on one load, all rounds."""

    rates: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    done: int = 0
    wrong: int = 0
    errors: int = 0

    def add(self, told: Told, cpu: float) -> None:
        """A round."""
        self.rates.append(told.done / cpu)
        self.check(told)

    def check(self, told: Told) -> None:
        """Only what was answered."""
        self.done += told.done
        self.wrong += told.wrong
        self.errors += told.errors
        self.statuses.update(told.statuses)

    def fault(self, load: Load) -> str:
        """Why it is not compared; empty where it is."""
        if self.errors or self.wrong:
            return f"{self.wrong} answers not as expected, {self.errors} missing"
        passed = sum(count for status, count in self.statuses.items() if status.startswith("2"))
        return "refuses most of the recorded requests" if not load.parts and passed < self.done / 2 else ""

    def seen(self) -> str:
        """The statuses, most frequent first."""
        return ", ".join(f"{count} x {status}" for status, count in self.statuses.most_common())


@dataclass(frozen=True, slots=True)
class Bench:
    """Who runs, and where."""

    contestants: dict[str, Peer]
    folder: Path
    rounds: int
    seconds: float
    client_core: int

    def run(self, name: str) -> dict[str, Result]:
        """All of them on that load: a warm-up, then rounds."""
        load = LOADS[name]
        results = {contestant: Result() for contestant in self.contestants}
        file = self.folder / "requests"
        write(file, chain(spoilt(load), requests(load, 0, self.rounds, load.most // _WARM)))
        for contestant, peer in self.contestants.items():
            told, _ = self._replay(peer, file, load)
            if load.parts:
                results[contestant].check(told)
        for each in range(self.rounds):
            write(file, requests(load, each + 1, self.rounds, load.most))
            for contestant, peer in self.contestants.items():
                results[contestant].add(*self._replay(peer, file, load))
        return results

    def _replay(self, peer: Peer, file: Path, load: Load) -> tuple[Told, float]:
        seconds = self.seconds if load.parts else _REPLAY_SECONDS
        command = [
            sys.executable,
            "-m",
            "bench.replay",
            str(peer.port),
            str(load.connections),
            str(seconds),
            str(file),
        ]
        before = cpu_seconds(peer.pids)
        with pinned(self.client_core):
            output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        return Told(**json.loads(output)), cpu_seconds(peer.pids) - before


def requests(load: Load, turn: int, rounds: int, most: int) -> Iterator[Request]:
    """What is sent in that round (0: the warm-up), and the status that each request should get."""
    if not load.parts:
        return ((0, framed(*_split(raw))) for raw in islice(loads.replayed(), turn, None, rounds + 1))
    make = loads.Maker(turn)
    return ((_EXPECTED.get(part, 200), loads.LOADS[part](make)) for part in islice(cycle(load.parts), most))


def spoilt(load: Load) -> Iterator[Request]:
    """An attack at the end of each kind of body of that load: to be refused."""
    make = loads.Maker(-1)
    for part in dict.fromkeys(load.parts):
        if part in _LAST:
            head, body = _split(loads.LOADS[part](make))
            yield 403, framed(head, body.removesuffix(b"]") + _LAST[part].encode())


def framed(head: bytes, body: bytes) -> bytes:
    """A request that says how long its body is: a few recorded ones lost some of theirs, and would be waited for."""
    return _LENGTH.sub(rb"\g<1>%d" % len(body), head) + b"\r\n\r\n" + body


def _split(raw: bytes) -> tuple[bytes, bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return head, body


def rows(name: str, results: dict[str, Result], level: int = 1) -> Iterator[str]:
    """The line of a load, and under it what is not as it should be. For recorded requests, what became of them."""
    load = LOADS[name]
    faults = {who: fault for who, result in results.items() if (fault := result.fault(load))}
    rates = "".join(f"{_short(statistics.median(result.rates)):>13}" for result in results.values())
    peers = [result.rates for who, result in results.items() if who not in (OURS, *faults)]
    ratios = [ours / max(theirs) for ours, *theirs in zip(results[OURS].rates, *peers, strict=True) if theirs]
    told = ""
    if ratios and OURS not in faults:
        times = statistics.median(ratios)
        told = f"{times:7.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
        if level == 1:
            told = f"{told:<22} {load.wanted:>6} {'met' if times >= load.wanted else 'NOT MET'}"
    yield f"  {name:10}{rates} {told}"
    for who, result in results.items():
        if who in faults:
            yield f"    {who} not compared: {faults[who]} ({result.seen()})"
        elif not load.parts:
            yield f"    {who}: {result.seen()}"


def _short(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 100 else f"{rate:.2f}"


def run(crs: Path, level: int, names: list[str], rounds: int, seconds: float) -> Iterator[str]:
    """The lines of the table, each as soon as it is known."""
    yield f"\nOWASP CRS end to end, level {level}, {rounds} rounds of at most {seconds:g} s for each contestant"
    if absent := missing(crs):
        yield f"  left out: {absent}"
        return
    with tempfile.TemporaryDirectory(prefix="revproxy-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        proxy, client = cores()
        contestants, absent = _start(folder, crs.resolve(), level, proxy, client, stack)
        yield from (f"  left out: {who}: {reason}" for who, reason in absent.items())
        yield f"  {'load':10}{''.join(f'{who:>13}' for who in contestants)} {'  times':<22} wanted"
        bench = Bench(contestants, folder, rounds, seconds, client)
        for load in names or LOADS:
            yield from rows(load, bench.run(load), level)
    yield _NOTES.format(**_versions())


def missing(crs: Path) -> str:
    """What there is not, without which nothing can be measured; empty where all is there."""
    if not crs_files(crs):
        return f"no CRS folder in {crs.name} (--rules PATH, or CRS=PATH)"
    return "" if shutil.which("nginx") else "nginx, which stands behind them all, is not installed"


def _versions() -> dict[str, str]:
    """Of the peers, as far as they tell."""
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    library = next(MODSECURITY.parent.parent.parent.glob("*/libmodsecurity.so.3"), Path("libmodsecurity"))
    required = _REQUIRED.search((ROOT / "bench" / "coraza" / "go.mod").read_text())
    return {
        "nginx": nginx.strip().removeprefix("nginx version: "),
        "modsecurity": library.resolve().name,
        "coraza": required[1] if required else "",
    }


def cores() -> tuple[int, int]:
    """(the proxy's processor, the one of everything else)"""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


def _start(
    folder: Path, crs: Path, level: int, core: int, other: int, stack: ExitStack
) -> tuple[dict[str, Peer], dict[str, str]]:
    """(contestants by name, why others are absent); `stack` ends them."""

    def begun(peer: Peer) -> Peer:
        stack.callback(peer.stop)
        return peer

    with pinned(other):
        inside = begun(web_server(folder / "inside")).port
    setup = folder / "setup.conf"
    setup.write_text(crs_setup(level))
    absent = {}
    with pinned(core):
        contestants = {OURS: begun(Front(folder / "front", inside, None, "enforce", [setup, crs]))}
        nginx = nginx_modsecurity(folder / "nginx", inside, crs, level)
        if nginx is None:
            absent["nginx + libmodsecurity"] = "no module"
        else:
            contestants["nginx"] = begun(nginx)
        try:
            contestants["Coraza"] = begun(coraza(folder / "coraza", inside, crs, level))
        except RuntimeError as error:
            absent["Coraza"] = str(error)
    return contestants, absent
