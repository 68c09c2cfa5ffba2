"""`python -m tests.soak [--rules PATH] [--rounds N] [--updates N] [--workers N]`: memory over many changes.

One front end under light traffic, with a CRS folder or our own signatures. First reloads that begin a new generation,
then changes of one rule that are swapped inside the workers, now and then to a text that was never linked before.
Another one uses a feed, and gets one set after the other from it that was never there before (`updates`).
Supervisor and workers are measured after the first few rounds of each kind and after the last one. Ends with 1 when
one of them grew by more than 5 %, when a worker held more than it may, or when any request went wrong.
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from revproxy.app.supply import Supply
from revproxy.app.trial import attempt
from revproxy.config.loading import load
from revproxy.config.shipped import shipped_signatures
from revproxy.model import SupplyLimits
from revproxy.runtime.asking import ask
from revproxy.updates.keys import Keys
from revproxy.updates.repository import Repository
from tests.e2e.servers import REVPROXY, Front, Inside, configuration, forget_peak, in_background, memory_bytes, until

FIRST = 10
"""Rounds until memory is where it should stay: caches are filled, allocators know what is asked of them."""
GROWTH = 5.0
"""Per cent that memory may grow after that."""
IDLE_BYTES = 150 << 20
"""What a worker with CRS at level 1 may hold ..."""
PEAK_BYTES = 220 << 20
"""... and while other rules are swapped in."""
FRESH = 10
"""Every so many swaps the rule has a text that it never had before: it is linked, not found. The first of these is
among the first rounds: it brings what reads rules into the supervisor."""
PAUSE = 0.02
"""Seconds between two requests: what is soaked is changes, not load."""
_RELOAD_SECONDS = 300.0
SHIPPED = shipped_signatures()
SET = ("sql.yaml", "xss.yaml")
"""Of our signatures: what a feed publishes beside the one that changes. Fewer make a round shorter, and hide less."""
_SIGNATURE = """\
signatures:
  - id: soak-1
    name: what changes
    why: Each set is another one.
    references: [CWE-20]
    protocols: [http]
    fields: [args]
    match: {any: [{rx: 'soak-%d[0-9]{3}'}]}
    severity: critical
    samples:
      match: [{args: {q: "soak-%d777"}}]
      pass: [{args: {q: "harmless"}}]
"""
_RULE = 'SecRule REQUEST_METHOD "@streq SOAK%d" "id:9000000,phase:1,pass,t:none,msg:\'soak\'"\n'


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, and the status that it gets."""

    target: str
    status: int
    body: bytes = b""


_FORM = "&".join(f"name{number}=some+harmless+value+{number}" for number in range(1000)).encode()
REQUESTS = (
    Request("/?q=garden+chair&page=2", 200),
    Request("/search", 200, b"name=Ada&text=a+few+words"),
    Request("/form", 200, _FORM),
    Request("/?q=1%27+union+select+password+from+users--+", 403),
    Request("/?q=%3Cscript%3Ealert(1)%3C/script%3E", 403),
)


@dataclass(slots=True)
class Traffic:
    """One client that sends the requests in turn until told to stop."""

    port: int
    stop: threading.Event = field(default_factory=threading.Event)
    sent: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.wait(PAUSE):
            request = REQUESTS[self.sent % len(REQUESTS)]
            self.sent += 1
            if (status := self._status(connection, request)) != request.status:
                self.wrong.append(f"{request.target}: {status} instead of {request.status}")
        connection.close()

    def _status(self, connection: http.client.HTTPConnection, request: Request) -> object:
        """A kept connection may end between two requests: then, and only then, it is asked once more."""
        for kept in (connection.sock is not None, False):
            try:
                headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Mozilla/5.0"}
                headers |= {"Accept": "*/*"}
                connection.request("POST" if request.body else "GET", request.target, request.body or None, headers)
                answer = connection.getresponse()
                answer.read()
                return answer.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if not kept:
                    return repr(error)
        return "nothing"

    def some(self, number: int) -> None:
        """Return when so many more were sent: what begins with a change has been used then."""
        wanted = self.sent + number
        until(lambda: self.sent >= wanted, f"{number} requests")


@dataclass(frozen=True, slots=True)
class Measured:
    """Resident bytes: of the supervisor, and of each worker in turn."""

    supervisor: int
    workers: tuple[int, ...]

    def rows(self) -> list[tuple[str, int]]:
        return [("supervisor", self.supervisor), *((f"worker {n}", size) for n, size in enumerate(self.workers))]


class Soak(ABC):
    """A front end, and what is done to it."""

    def __init__(self, folder: Path, workers: int, growth: float) -> None:
        folder.mkdir()
        self.growth = growth
        self.inside = Inside(folder, "web")
        self.number = 0
        settings = configuration(
            folder / "front",
            self.inside.ports["web"],
            1,
            inspection=self.inspection(folder),
            workers=workers,
            drain_seconds=5,
            feeds={"folder": str(folder / "feeds"), "staging": {"enabled": False}},
        )
        (folder / "front").mkdir()
        self.prepare(folder, settings)
        self.front = Front(folder / "front", settings)
        self.traffic = Traffic(self.front.ports["web"])

    @abstractmethod
    def inspection(self, folder: Path) -> dict[str, object]:
        """The section of the configuration; what it names may be made in that folder."""

    @abstractmethod
    def prepare(self, folder: Path, settings: dict[str, object]) -> None:
        """What has to be there before the front end starts."""

    def status(self) -> list[dict[str, object]]:
        generations: list[dict[str, object]] = ask(f"{self.front.folder}/control.sock", "status", 60)["result"][
            "generations"
        ]
        return generations

    def measure(self) -> Measured:
        """After some requests, for what a change leaves behind goes with the next ones."""
        self.traffic.some(4 * len(REQUESTS))
        pids = sorted(self.front.workers())
        return Measured(memory_bytes(self.front.pid), tuple(memory_bytes(pid) for pid in pids))

    def phase(self, name: str, rounds: int, change: Callable[[], None]) -> list[str]:
        """Change and measure; what is wrong with it."""
        print(f"{rounds} {name} ...", flush=True)
        began = time.monotonic()
        first = min(FIRST, max(1, rounds // 2))
        for _ in range(first):
            change()
        before = self.measure()
        for pid in self.front.workers():
            forget_peak(pid)
        for _ in range(rounds - first):
            change()
        after = self.measure()
        peak = max(memory_bytes(pid, "VmHWM") for pid in self.front.workers())
        seconds = (time.monotonic() - began) / rounds
        print(
            table(before, after, first, rounds),
            f"at most {peak >> 20} MB in a worker, {seconds:.2f} s each\n",
            sep="\n",
        )
        wrong = [] if peak <= PEAK_BYTES else [f"{name}: a worker held {peak >> 20} MB"]
        wrong += [f"{name}: a worker holds {size >> 20} MB" for size in after.workers if size > IDLE_BYTES]
        return wrong + [f"{name}: {told}" for told in grown(before, after, self.growth)]

    @abstractmethod
    def run(self) -> list[str]:
        """All that is done to it; what is wrong."""

    def stop(self) -> None:
        for server in (self.front, self.inside):
            server.stop()


class Changes(Soak):
    """Reloads, and swaps of one rule."""

    def __init__(self, folder: Path, rules: str, rounds: int, workers: int, growth: float) -> None:
        self._rules, self._rounds = rules, rounds
        super().__init__(folder, workers, growth)

    def inspection(self, folder: Path) -> dict[str, object]:
        self.rule = folder / "soak.conf"
        self.write(0)
        if not self._rules:
            return {"rules": [str(self.rule)]}
        return {"rules": [self._rules, str(self.rule)], "signatures_for": ["mail"], "paranoia": 1}

    def prepare(self, folder: Path, settings: dict[str, object]) -> None:
        """Its rule is there already."""

    def write(self, number: int) -> None:
        """Give the one rule that changes that text."""
        self.rule.write_text(_RULE % number)

    def run(self) -> list[str]:
        reloads = self.phase("reloads", self._rounds, self.one_reload)
        return reloads + self.phase("rule swaps", self._rounds, self.one_swap)

    def reload(self, swaps: bool) -> None:
        answer = ask(f"{self.front.folder}/control.sock", "reload", _RELOAD_SECONDS)
        assert answer["ok"], answer
        assert answer["result"]["swapped"] is swaps, answer

    def one_reload(self) -> None:
        """A new generation; returns when the old one is gone."""
        self.reload(False)
        until(lambda: len(self.status()) == 1, "end of the old generation")

    def one_swap(self) -> None:
        """Another text of the one rule, mostly one that it had before."""
        self.number += 1
        self.write(2 + self.number if self.number % FRESH == 0 else self.number % 2)
        self.reload(True)


class Updates(Soak):
    """Sets of a feed, none of which was there before: looked for, tried, and swapped inside the workers."""

    def __init__(self, folder: Path, rounds: int, workers: int, growth: float) -> None:
        self._rounds = rounds
        super().__init__(folder, workers, growth)

    def inspection(self, folder: Path) -> dict[str, object]:
        return {"signatures": ["feed:soak"]}

    def prepare(self, folder: Path, settings: dict[str, object]) -> None:
        """A feed, its first set and a front end's knowledge of it."""
        self._set, self._place = folder / "set", folder / "feed"
        self._set.mkdir()
        for name in SET:
            shutil.copy(SHIPPED / name, self._set)
        self.repository().begin(["soak"])
        self.publish()
        file = folder / "front" / "before.yaml"
        file.write_text(yaml.safe_dump(settings))
        public = self._place / "public"
        words = (public, "--root", public / "metadata/1.root.json", "-c", file)
        subprocess.run([*REVPROXY, "signatures", "add", *map(str, words)], check=True, capture_output=True)

    def publish(self) -> None:
        """A set with another text of one signature. Clients try it."""
        self.number += 1
        (self._set / "soak.yaml").write_text(_SIGNATURE % (self.number, self.number))
        self.repository().publish("soak", self._set, str(self.number), SupplyLimits())

    def repository(self) -> Repository:
        return Repository(self._place, Keys((self._place / "keys",), None), datetime.now(UTC))

    def run(self) -> list[str]:
        return self.phase("updates", self._rounds, self.one_update)

    def one_update(self) -> None:
        """By the command now and then; else the same line in this process, the trial too, which is a tenth of the
        work: what is measured is who serves."""
        before = self.rulesets()
        self.publish()
        if self.number % FRESH == 0:
            done = self.front.tell("signatures", "update")
            assert done.returncode == 0, done.stderr
        else:
            file = str(self.front.file)
            (outcome,) = Supply(file, load(file).settings, lambda order, seconds: attempt(order)).update()
            assert outcome.good, outcome
        after = self.rulesets()
        assert len(after) == 1, after
        assert after != before

    def rulesets(self) -> set[object]:
        """What workers have in force."""
        (generation,) = self.status()
        return {worker["status"]["ruleset"] for worker in generation["workers"]}


def grown(before: Measured, after: Measured, most: float) -> list[str]:
    """Who grew by more per cent than it may."""
    pairs = zip(before.rows(), after.rows(), strict=True)
    return [f"{who} grew by {new / old - 1:.1%}" for (who, old), (_, new) in pairs if new > old * (1 + most / 100)]


def table(before: Measured, after: Measured, first: int, last: int) -> str:
    """The figures, in MB."""
    lines = [f"{'':12s} {f'after {first}':>12s} {f'after {last}':>12s} {'change':>8s}"]
    for (who, old), (_, new) in zip(before.rows(), after.rows(), strict=True):
        lines.append(f"{who:12s} {old / (1 << 20):9.1f} MB {new / (1 << 20):9.1f} MB {new / old - 1:8.1%}")
    return "\n".join(lines)


def run(make: Callable[[], Soak]) -> bool:
    """All of it under traffic; whether it was good."""
    soak = make()
    try:
        with in_background(soak.traffic.run):
            try:
                wrong = soak.run()
            finally:
                soak.traffic.stop.set()
    finally:
        soak.stop()
    wrong += soak.traffic.wrong
    print(f"{soak.traffic.sent} requests, {len(soak.traffic.wrong)} wrong")
    for told in wrong[:20]:
        print(told)
    print("failed" if wrong else "memory stays where it was", flush=True)
    return not wrong


def main() -> int:
    """Parse, start, run, stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rules", default="", metavar="PATH", help="a CRS folder (our own signatures)")
    parser.add_argument("--rounds", type=int, default=200, help="reloads, and rule swaps (200; 0: none)")
    parser.add_argument("--updates", type=int, default=500, help="updates from a feed (500; 0: none)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (1)")
    parser.add_argument("--growth", type=float, default=GROWTH, help="per cent that memory may grow (5)")
    arguments = parser.parse_args()
    # SIGTERM ends what was started as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="rp-soak-") as name:
        rules = str(Path(arguments.rules).resolve()) if arguments.rules else ""
        rounds, updates, bounds = arguments.rounds, arguments.updates, (arguments.workers, arguments.growth)
        made: list[Callable[[], Soak]] = []
        if rounds:
            made.append(lambda: Changes(Path(name, "changes"), rules, rounds, *bounds))
        if updates:
            made.append(lambda: Updates(Path(name, "updates"), updates, *bounds))
        return 0 if all(list(map(run, made))) else 1


if __name__ == "__main__":
    sys.exit(main())
