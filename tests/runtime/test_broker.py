"""A broker's process: what it is told, what it gives, when it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from revproxy.app.service import BROKER
from revproxy.net.egress import Kind, Target, receive
from revproxy.net.egress.wire import MOST_BYTES, Answer, Request, Status, read_answer, write_request
from revproxy.runtime.broker import MOST_PACKET, Errand, share

PATIENCE = 20.0


def test_an_errand_goes_through_json() -> None:
    errand = Errand((Target("upstream web", Kind.TCP, "10.0.0.1", 80, 4, ("10.0.0.0/8",)),), 3, "info")
    assert Errand.decode(errand.encode()) == errand


def test_each_worker_has_its_share_of_the_descriptors() -> None:
    assert share(1024, 4) == 120
    assert share(2**20, 4) == 4096
    assert share(256, 512) == 16
    assert share(1024, 0) == share(1024, 1)


class Running:
    """A broker without a supervisor."""

    def __init__(self, *targets: Target) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            argv = [*BROKER, str(theirs.fileno())]
            self.process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[theirs.fileno()]
            )
        assert self.process.stdin is not None
        self.process.stdin.write(Errand(targets, 2, "info").encode())
        self.process.stdin.close()
        self.control.settimeout(PATIENCE)
        assert self.said() == {"event": "ready", "missing": []}

    def said(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.control.recv(MOST_PACKET))
        return found

    def event(self, name: str) -> dict[str, object]:
        """The next message of that kind."""
        while (message := self.said())["event"] != name:
            pass
        return message

    def worker(self, number: int) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self.control, [json.dumps({"worker": number}).encode()], [theirs.fileno()])
        ours.settimeout(PATIENCE)
        assert read_answer(ours.recv(MOST_BYTES)).status is Status.ANEW
        return ours

    def end(self) -> None:
        self.process.kill()
        self.control.close()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def broker() -> Iterator[tuple[Running, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as inside:
        made = Running(Target("upstream web", Kind.TCP, "127.0.0.1", inside.getsockname()[1], 4))
        yield made, inside
        made.end()


Given = tuple[Running, socket.socket]


def test_it_connects_for_workers(broker: Given) -> None:
    running, inside = broker
    with running.worker(7) as worker:
        worker.send(write_request(Request(1, 0, 5000)))
        data, number = receive(worker, MOST_BYTES)
        assert read_answer(data) == Answer(1, Status.CONNECTED)
        assert number is not None
        os.close(number)
        inside.accept()[0].close()


def test_it_names_a_worker_that_breaks_the_wire(broker: Given) -> None:
    running, _ = broker
    with running.worker(7) as worker, running.worker(8) as other:
        worker.send(b"\x51 whatever")
        assert running.event("broken") == {"event": "broken", "worker": 7}
        other.send(write_request(Request(1, 9, 5000)))
        assert read_answer(other.recv(MOST_BYTES)) == Answer(1, Status.UNKNOWN)


def test_it_gives_signs_of_life(broker: Given) -> None:
    running, _ = broker
    assert running.event("beat") == {"event": "beat"}


def test_it_outlives_the_supervisor_while_workers_need_it(broker: Given) -> None:
    running, _ = broker
    with running.worker(7) as worker:
        running.control.close()
        worker.send(write_request(Request(1, 9, 5000)))
        assert read_answer(worker.recv(MOST_BYTES)) == Answer(1, Status.UNKNOWN)
        assert running.process.poll() is None
    assert running.process.wait(PATIENCE) == 0


def test_without_workers_it_ends_with_the_supervisor(broker: Given) -> None:
    running, _ = broker
    running.control.close()
    assert running.process.wait(PATIENCE) == 0


def test_what_a_terminal_sends_to_the_group_is_not_for_it(broker: Given) -> None:
    running, _ = broker
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        running.process.send_signal(number)
    running.worker(7).close()
    running.process.terminate()
    assert running.process.wait(PATIENCE) == 0
