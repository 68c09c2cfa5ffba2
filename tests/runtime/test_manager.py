import asyncio
import os
import socket

import pytest

from revproxy.runtime.manager import Manager


@pytest.fixture
def heard(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def told(sock):
    return sock.recv(4096).decode().split("\n")


def test_what_it_is_told(heard):
    environment = {"NOTIFY_SOCKET": heard.getsockname(), "PATH": "/bin"}
    manager = Manager(environment)
    manager.ready("serving")
    assert told(heard) == ["READY=1", "STATUS=serving"]
    manager.reloading()
    first, clock, status = told(heard)
    assert (first, status) == ("RELOADING=1", "STATUS=reloading")
    assert int(clock.removeprefix("MONOTONIC_USEC=")) > 0
    manager.stopping(1.5)
    assert told(heard) == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=1500000", "STATUS=draining"]
    manager.close()
    manager.ready("unheard")
    # Its variables are not handed on.
    assert environment == {"PATH": "/bin"}


def test_an_abstract_socket():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0revproxy-test-{os.getpid()}")
        sock.settimeout(10)
        manager = Manager({"NOTIFY_SOCKET": f"@revproxy-test-{os.getpid()}"})
        manager.ready("serving")
        assert told(sock)[0] == "READY=1"
        manager.close()


async def test_signs_of_life(heard):
    manager = Manager({"NOTIFY_SOCKET": heard.getsockname(), "WATCHDOG_USEC": "20000"})
    assert manager.watchdog_seconds == 0.02
    watching = asyncio.ensure_future(manager.watch())
    for _ in range(2):
        assert await asyncio.to_thread(told, heard) == ["WATCHDOG=1"]
    watching.cancel()
    manager.close()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
async def test_nobody_listens(environment, seconds):
    manager = Manager(dict(environment))
    manager.ready("serving")
    assert manager.watchdog_seconds == seconds
    if not seconds:
        await manager.watch()


@pytest.mark.parametrize("name", ["/nowhere/at/all", "tcp:1"])
def test_who_cannot_be_reached_is_named_once(name, caplog):
    manager = Manager({"NOTIFY_SOCKET": name})
    manager.ready("serving")
    manager.ready("serving")
    assert len(caplog.records) == 1
