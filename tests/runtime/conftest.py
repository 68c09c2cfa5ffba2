"""A real supervisor in a process of its own, around the echo workers of `echo_worker.py`."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from revproxy.config.settings import Address, Listener, ListenerKind, Settings
from revproxy.runtime.asking import ask
from revproxy.runtime.sockets import bind

ECHO = str(Path(__file__).with_name("echo_worker.py"))
PATIENCE = 20.0


class Prepared(SimpleNamespace):
    """As `app` makes it; its pieces stay here."""

    def __reduce__(self):
        return SimpleNamespace, (), {name: value for name, value in vars(self).items() if name != "pieces"}


class Front:
    """The supervisor's process and what one can do with it."""

    def __init__(self, folder, timing=None, **plan):
        self.folder = folder
        self.plan = {"listeners": {"web": 0}, "workers": 1, "drain_seconds": 5, "admin": 0, "name": "one"} | plan
        self.write()
        environment = os.environ | {"TIMING": json.dumps(timing or {})}
        self.process = subprocess.Popen(
            [sys.executable, ECHO, "run", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.errors = []
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def write(self, **changes):
        self.plan |= changes
        temporary = self.folder / "plan.new"
        temporary.write_text(json.dumps(self.plan))
        temporary.rename(self.folder / "plan.json")

    def ready(self):
        line = self.process.stdout.readline()
        assert line.startswith("ready: "), "".join(self.rest())
        self.ports = {name: int(port) for name, port in re.findall(r"(\w+)(?: http)? [\d.:\[\]]+:(\d+)", line)}
        return line

    def wait_for(self, text):
        """The first line on stderr with that text, from where the last call stopped."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.errors.append(line)
            if text in line:
                return line
        raise AssertionError(f"no {text!r} in {''.join(self.errors)}")

    def rest(self):
        """All of stderr, after the end."""
        self.process.wait(PATIENCE)
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.errors.append(line)
        self._lines.put(None)
        return self.errors

    def ask(self, verb, until_gone=False):
        return ask(str(self.folder / "control"), verb, PATIENCE, until_gone)

    def reload(self, **changes):
        self.write(**changes)
        return self.ask("reload")

    def signal(self, number):
        self.process.send_signal(number)

    def connect(self, name="web"):
        return Line(socket.create_connection(("127.0.0.1", self.ports[name]), PATIENCE))

    def say(self, text="hello", name="web"):
        """(pid, prepared name) of the worker that answers a new connection."""
        with self.connect(name) as line:
            return line.say(text)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}{path}", timeout=PATIENCE) as answer:
            return answer.read().decode()

    def counted(self):
        """Connections, as /metrics has them."""
        found = re.search(r'^revproxy_connections_total\{listener="echo"\} (\S+)', self.get("/metrics"), re.M)
        return float(found[1]) if found else 0.0

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.rest()
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


class Line:
    """A connection to the echo server."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rwb")

    def send(self, text):
        self.file.write(text.encode() + b"\n")
        self.file.flush()

    def answer(self):
        pid, name, _ = self.file.readline().split(maxsplit=2)
        return int(pid), name.decode()

    def say(self, text):
        self.send(text)
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.sock.close()


@pytest.fixture
def front(tmp_path):
    """`front(**plan)` starts one; with `timing={...}` for shorter times. All are ended afterwards."""
    started = []

    def start(ready=True, **plan):
        started.append(Front(tmp_path, **plan))
        if ready:
            started[-1].ready()
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def ended():
    """`ended(pid)` waits for the end of a process that is not our child."""

    def wait(pid):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            assert select.select([descriptor], [], [], PATIENCE)[0], f"{pid} lives on"
        finally:
            os.close(descriptor)

    return wait


@pytest.fixture
def echo_argv():
    """What starts an echo worker."""
    return (sys.executable, ECHO, "worker")


@pytest.fixture
def prepared(tmp_path):
    """`prepared(workers=2, ...)`: as `app` would prepare it, for echo workers."""

    def make(faults=None, name="one", rest="", pieces=None, sets=None, **settings):
        listener = Listener("web", ListenerKind.HTTP, Address("127.0.0.1", 0))
        whole = Settings(listeners=(listener,), upstreams=(), **{"drain_seconds": 5.0} | settings)
        return Prepared(
            settings=whole,
            ruleset_name=name,
            folder=str(tmp_path),
            faults=faults or {},
            rest=rest,
            pieces=pieces or {},
            sets=sets or {},
            patched=False,
        )

    return make


@pytest.fixture
def listening():
    """A listening socket."""
    with bind(Address("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def talk():
    """`await talk(socket, "hello")`: what a new connection is answered; "" when it is closed."""

    async def say(sock, text="hello"):
        reader, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1])
        writer.write(text.encode() + b"\n")
        try:
            return (await reader.readline()).decode()
        finally:
            writer.close()
            await writer.wait_closed()

    return say
