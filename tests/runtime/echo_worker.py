"""A worker with an echo server as its parts, and the supervisor around it: `echo_worker.py run DIR`.

`DIR/plan.json` is the configuration: listeners (name -> port), workers, drain_seconds, admin (port or null), and
faults: `prepare` (a text: preparing raises ConfigError), `build` (building raises), `start` (accepting raises),
`load` and `swap` (making other rules ready, or swapping them in, raises), `stall` (a step: it waits on the `fifo`).
Rules have the name of all of it, or that of `rules`, and have `pieces` (name -> text); `staged` names others.
A line sent is answered by `PID RULES-NAME LINE`; a line `wait` is answered after the next one, `pieces` by their
texts, `hang` blocks the loop for ever.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from revproxy.audit.metrics import Metrics
from revproxy.config.settings import Address, Control, Listener, ListenerKind, Settings
from revproxy.errors import ConfigError, Location
from revproxy.inspection.staging import Report
from revproxy.runtime.foreground import supervise
from revproxy.runtime.parts import Plan, Staged, Timing
from revproxy.runtime.sockets import BACKLOG
from revproxy.runtime.worker import run_worker


@dataclass(frozen=True)
class Prepared:
    """As app makes it, smaller."""

    settings: Settings
    ruleset_name: str
    folder: str
    faults: dict
    rest: str = ""
    pieces: dict = field(default_factory=dict)
    sets: dict = field(default_factory=dict)
    patched: bool = False

    def __reduce__(self):
        return Prepared, (self.settings, self.ruleset_name, self.folder, self.faults, self.rest)


def prepare(folder):
    """Settings from DIR/plan.json."""
    file = os.path.join(folder, "plan.json")
    plan = json.loads(Path(file).read_text())
    faults = plan.get("faults", {})
    stall("prepare", faults)
    if "prepare" in faults:
        raise ConfigError(faults["prepare"], Location(file, 3, 7))
    settings = Settings(
        listeners=tuple(
            Listener(name, ListenerKind.HTTP, Address(plan.get("host", "127.0.0.1"), port))
            for name, port in plan["listeners"].items()
        ),
        upstreams=(),
        control=Control(path=plan.get("control", os.path.join(folder, "control")), mode=plan.get("mode", 0o600)),
        admin=None if plan["admin"] is None else Address("127.0.0.1", plan["admin"]),
        workers=plan["workers"],
        drain_seconds=plan["drain_seconds"],
        sandbox=plan.get("sandbox", False),
    )
    pieces = {name: text.encode() for name, text in plan.get("pieces", {}).items()}
    return Prepared(settings, plan.get("rules", plan["name"]), folder, faults, plan["name"], pieces)


def staged(folder):
    """What plan.json says is `staged`: the name of other rules, if any."""
    name = json.loads(Path(folder, "plan.json").read_text()).get("staged")
    return Staged(name, lambda: replace(prepare(folder), ruleset_name=name)) if name else None


def stall(step, faults):
    """Tell a test that we are here (it opens the other end of the FIFO), and stay until it closes that end."""
    if faults.get("stall") == step:
        with open(faults["fifo"], "rb") as fifo:
            fifo.read()


class Echo:
    """The parts."""

    def __init__(self, prepared, pieces):
        stall("build", prepared.faults)
        if "build" in prepared.faults:
            raise ConfigError(prepared.faults["build"], Location("rules.yaml"))
        self.prepared = prepared
        self.pieces = dict(pieces.popitem() for _ in list(pieces))
        self.beside = None
        self.metrics = Metrics()
        self.servers = []
        self.talks = {}
        self.waiting = 0

    async def start(self, sockets):
        if "start" in self.prepared.faults:
            raise RuntimeError(self.prepared.faults["start"])
        for name, sock in sockets.items():
            self.servers.append(await asyncio.start_server(self.talk, sock=sock, backlog=BACKLOG))
            assert name in {listener.name for listener in self.prepared.settings.listeners}

    async def talk(self, reader, writer):
        task = asyncio.current_task()
        self.talks[task] = False
        try:
            self.metrics.count("revproxy_connections_total", ("echo",))
            while line := await reader.readline():
                self.talks[task] = True
                await self.answer(line, reader, writer)
                self.talks[task] = False
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
            del self.talks[task]

    async def answer(self, line, reader, writer):
        name = self.prepared.ruleset_name
        if line == b"hang\n":
            threading.Event().wait()
        if line == b"wait\n":
            self.waiting += 1
            await reader.readline()
            self.waiting -= 1
        if line == b"pieces\n":
            line = b" ".join(sorted(self.pieces.values())) + b"\n"
        writer.write(f"{os.getpid()} {name} ".encode() + line)
        await writer.drain()

    def stop_accepting(self):
        for server in self.servers:
            server.close()

    async def drain(self, deadline_seconds):
        try:
            async with asyncio.timeout(deadline_seconds):
                # A connection that waits for its first line is finished, too: the client was accepted.
                while self.talks:
                    await asyncio.wait(list(self.talks))
        except TimeoutError:
            pass

    def load(self, prepared, pieces):
        stall("load", prepared.faults)
        if "load" in prepared.faults:
            raise ConfigError(prepared.faults["load"], Location("rules.yaml"))
        return prepared, self.pieces | pieces

    def swap(self, made):
        if "swap" in made[0].faults:
            raise RuntimeError(made[0].faults["swap"])
        self.prepared, self.pieces = made

    def load_staged(self, prepared, pieces):
        return self.load(prepared, pieces)

    def stage(self, made):
        self.beside = made[0] if made is not None else None

    def staged(self):
        return None if self.beside is None else Report(judged=1, fault=self.beside.ruleset_name).told()

    def snapshot(self):
        return self.metrics.snapshot()

    def status(self):
        return {"talks": len(self.talks), "waiting": self.waiting}

    def reopen_logs(self):
        with open(os.path.join(self.prepared.folder, "reopened"), "a") as file:
            file.write(f"{os.getpid()}\n")

    async def close(self):
        for task in list(self.talks):
            task.cancel()


def build(prepared, index, pieces, cell):
    """`parts.Build`."""
    assert 0 <= index < prepared.settings.workers
    return Echo(prepared, pieces)


def main():
    if sys.argv[1] == "run":
        folder = sys.argv[2]
        timing = Timing(**json.loads(os.environ.get("TIMING", "{}")))
        argv = (sys.executable, os.path.abspath(__file__), "worker")
        own = (sys.executable, os.path.abspath(__file__))
        plan = Plan(
            lambda: prepare(folder),
            argv,
            os.path.join(folder, "plan.json"),
            announce,
            timing,
            staged=lambda _settings: staged(folder),
            program=(*own, "run", folder),
            proof=(*own, "check", folder),
        )
        sys.exit(supervise(plan))
    if sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    sys.exit(run_worker(build, int(sys.argv[2])))


def check(folder):
    """What proves that another version would serve: that it prepares, unless `proof` says that it is to lie."""
    try:
        prepare(folder)
    except ConfigError as error:
        if json.loads(Path(folder, "plan.json").read_text()).get("proof", True):
            print(error, file=sys.stderr)
            return 2
    return 0


def announce(line):
    print(line, flush=True)


if __name__ == "__main__":
    # Pickles say `__main__.Prepared`, which this file is in the worker, too.
    main()
