from __future__ import annotations

import os
import signal
import sys

import pytest

from revproxy.errors import PeerClosed, PeerTimeout
from revproxy.runtime import channel
from revproxy.runtime.child import Child, WorkerFailed, cause

_SCRIPT = """
import json, signal, socket, sys
sock = socket.socket(fileno=int(sys.argv[1]))
file = sock.makefile("rwb")
def read():
    length = file.read(4)
    return file.read(int.from_bytes(length, "big")) if length else sys.exit(0)
def say(message):
    data = json.dumps(message).encode()
    file.write(len(data).to_bytes(4, "big") + data); file.flush()
hello = read().decode()
if hello == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if hello == "die":
    sys.exit(7)
if hello == "fail":
    say({"event": "failed", "error": "no rules"}); sys.exit(1)
def counted(n): return {"counters": {"revproxy_messages_total": [[["allow"], n]]}, "gauges": {}, "histograms": {}}
say({"event": "ready", "snapshot": counted(1)})
while True:
    message = json.loads(read())
    match message["do"]:
        case "echo": say({"id": message["id"], "ok": True, "result": message["text"], "snapshot": counted(2)})
        case "refuse": say({"id": message["id"], "ok": False, "error": "will not"})
        case "go": say({"id": message["id"], "ok": True})
        case "leave": sys.exit(3)
        case "babble":
            signal.signal(signal.SIGABRT, signal.SIG_IGN)
            data = message["text"].encode()
            file.write(len(data).to_bytes(4, "big") + data); file.flush()
        case "drain":
            say({"id": message["id"], "ok": True})
            if hello != "stubborn": sys.exit(0)
"""


def counted(number: int) -> dict:
    return {"counters": {"revproxy_messages_total": [[["allow"], number]]}, "gauges": {}, "histograms": {}}


@pytest.fixture
async def spawn():
    """`await spawn(hello)`: a child that is what the script above says."""
    made = []

    async def start(hello: str, fds: tuple[int, ...] = ()) -> Child:
        argv = (sys.executable, "-c", _SCRIPT)
        made.append(await Child.spawn(argv, os.environ, channel.frame(hello.encode()), fds, 0))
        return made[-1]

    yield start
    for child in made:
        await child.kill(signal.SIGKILL, 5)


async def test_it_is_ready_answers_and_refuses(spawn):
    child = await spawn("fine")
    await child.ready()
    assert child.snapshot == counted(1)
    child.silent = 5
    assert await child.ask("echo", 10, text="x") == "x"
    assert child.silent == 0
    assert child.snapshot == counted(2)
    with pytest.raises(WorkerFailed, match="will not"):
        await child.ask("refuse", 10)
    with pytest.raises(PeerTimeout):
        await child.ask("nothing of this name", 0.05)
    await child.go(10)
    assert child.accepting
    assert child.age > 0


@pytest.mark.parametrize(("hello", "text"), [("fail", "no rules"), ("die", "exit code 7")])
async def test_it_does_not_become_ready(spawn, hello, text):
    child = await spawn(hello)
    with pytest.raises(WorkerFailed, match=text):
        await child.ready()
    await child.ended
    with pytest.raises(PeerClosed):
        await child.ask("echo", 10)


async def test_it_ends_while_it_is_asked(spawn):
    child = await spawn("fine")
    await child.ready()
    with pytest.raises(WorkerFailed, match="exit code 3"):
        await child.ask("leave", 10)
    assert child.ended.result() == 3


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"event": 5, "id": []}',
        '{"id": 1}',
        '{"id": 1, "ok": false}',
        '{"snapshot": {}}',
        '{"event": "beat", "snapshot": {}}',
    ],
)
async def test_one_that_says_what_no_worker_says_is_killed(spawn, text):
    child = await spawn("fine")
    await child.ready()
    with pytest.raises(WorkerFailed, match="SIGKILL"):
        await child.ask("babble", 10, text=text)
    assert child.ended.result() == -signal.SIGKILL


@pytest.mark.parametrize("text", ["[" * 4000, "[]", "\x00"])
async def test_one_that_cannot_be_read_is_heard_no_more(spawn, text):
    """This one ends with its channel; one that does not is killed for its silence (`Generation`)."""
    child = await spawn("fine")
    await child.ready()
    with pytest.raises(WorkerFailed, match="exit code 0"):
        await child.ask("babble", 10, text=text)
    with pytest.raises(PeerClosed):
        await child.ask("echo", 10, text="x")


async def test_it_drains(spawn):
    child = await spawn("fine")
    await child.ready()
    await child.drain(5, 5)
    await child.end(5, 5)
    assert child.ended.result() == 0
    await child.drain(5, 5)


async def test_one_that_does_not_end_is_made_to(spawn):
    child = await spawn("stubborn")
    await child.ready()
    await child.drain(0.05, 5)
    await child.end(0.05, 0.05)
    assert child.ended.result() == -signal.SIGKILL
    child.signal(signal.SIGTERM)


async def test_a_program_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        await Child.spawn(("/nonexistent/program",), os.environ, b"", (), 0)


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "exit code 0"), (-9, "killed by SIGKILL"), (-6, "killed by SIGABRT"), (-250, "exit code -250")],
)
def test_causes(code, text):
    assert cause(code) == text
