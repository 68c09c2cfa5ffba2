"""Sockets passed as systemd passes them: descriptors from 3 on, LISTEN_FDS and LISTEN_PID."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest
import yaml
from servers import REVPROXY, Nginx, Process, configuration, curl, free_port, in_background

pytestmark = pytest.mark.e2e

_LAUNCHER = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])
"""


class Manager:
    """A service manager with one socket."""

    def __init__(self, folder, nginx, **listeners):
        self.folder = folder
        folder.mkdir()
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.other = free_port()
        binds = {"web": f"127.0.0.1:{self.port}", "other": f"127.0.0.1:{self.other}"} | listeners
        listening = [{"name": name, "kind": "http", "bind": bind} for name, bind in binds.items() if bind]
        (folder / "revproxy.yaml").write_text(
            yaml.safe_dump(configuration(folder, nginx.port, 9, listeners=listening))
        )

    def start(self):
        command = [sys.executable, "-c", _LAUNCHER, *REVPROXY, "run", "-c", str(self.folder / "revproxy.yaml")]
        environment = {**os.environ, "LISTEN_FDS": "1"}
        place = os.dup(3) if is_open(3) else -1
        # The descriptor's number is what is agreed on.
        os.dup2(self.sock.fileno(), 3)
        try:
            return Process(command, self.folder / "stderr", env=environment, pass_fds=[3])
        finally:
            os.close(3)
            if place >= 0:
                os.dup2(place, 3)
                os.close(place)


def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@pytest.fixture
def manager(need, folder, started):
    need("nginx", "curl")
    number = len(list(folder.iterdir()))
    nginx = Nginx(folder / f"nginx{number}")
    started.append(nginx)
    made = []

    def make(**listeners):
        made.append(Manager(folder / f"front{number}", nginx, **listeners))
        return made[-1]

    yield make
    for one in made:
        one.sock.close()


def test_a_socket_that_is_given_is_served_and_others_are_bound(manager, started):
    one = manager()
    front = one.start()
    started.append(front)
    assert f"127.0.0.1:{one.port}" in front.line_with("ready: ")
    assert curl(f"{one.url}/page")[0] == 200
    assert curl(f"http://127.0.0.1:{one.other}/page")[0] == 200
    # As after SIGKILL of the main process: the manager ends the rest, and starts it again. Who comes meanwhile waits.
    children = Path(f"/proc/{front.pid}/task/{front.pid}/children").read_text().split()
    for pid in (front.pid, *map(int, children)):
        os.kill(pid, signal.SIGKILL)
    front.process.wait()
    answers = []
    with in_background(lambda: answers.append(curl(f"{one.url}/page")[0])):
        again = one.start()
        started.append(again)
    assert answers == [200]
    again.line_with("ready: ")
    assert again.stop() == 0


def test_a_socket_that_no_listener_has(manager):
    one = manager(web="")
    front = one.start()
    assert front.process.wait(60) == 2
    front.process.stdout.close()
    assert f"gives a socket on 127.0.0.1:{one.port}, which no listener has" in front.errors.read_text()
