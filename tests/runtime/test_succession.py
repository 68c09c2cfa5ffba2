"""A supervisor in the process of another one, around echo workers: it serves on the same sockets, or tries again."""

from __future__ import annotations

import signal
import socket

import pytest


def test_the_same_process_and_sockets(front, ended):
    one = front(workers=2)
    with one.connect() as line:
        pid, _ = line.say("hello")
        one.write(name="two")
        answer = one.ask("upgrade")
        assert answer["ok"], answer
        # The port was the kernel's choice, and stays.
        assert one.say()[1] == "two"
        assert line.say("still here")[0] == pid
        status = one.ask("status")["result"]
        assert status["pid"] == one.process.pid
        assert status["ready"]
        assert pid in status["adopted"]
    ended(pid)
    assert one.reload(name="three")["ok"]
    assert one.say()[1] == "three"


def test_what_would_not_serve_is_refused(front):
    one = front()
    one.write(faults={"prepare": "it is broken"})
    answer = one.ask("upgrade")
    assert answer["kind"] == "UpgradeRefused"
    assert "plan.json:3:7: it is broken" in answer["error"]
    assert one.say()[1] == "one"
    one.write(name="two", faults={})
    one.signal(signal.SIGUSR2)
    one.wait_for("serves; workers of before drain")
    assert one.say()[1] == "two"


@pytest.mark.parametrize("fault", ["prepare", "build", "start"])
def test_one_that_cannot_start_is_tried_again(front, fault):
    one = front()
    with one.connect() as line:
        pid, _ = line.say("hello")
        one.write(name="two", faults={fault: "it is broken"}, proof=False)
        answer = one.ask("upgrade")
        assert not answer["ok"]
        assert "it is broken" in answer["error"]
        assert line.say("hello")[0] == pid
        one.write(faults={})
        one.signal(signal.SIGUSR2)
        one.wait_for("serves; workers of before drain")
        assert one.say()[1] == "two"


def test_told_to_stop_before_it_serves(front, ended):
    one = front()
    with one.connect() as line:
        pid, _ = line.say("hello")
        one.write(faults={"prepare": "it is broken"}, proof=False)
        assert not one.ask("upgrade")["ok"]
        one.wait_for("tried again")
        one.signal(signal.SIGTERM)
        assert line.say("goodbye")[0] == pid
    assert one.process.wait(20) == 0
    ended(pid)


def test_a_service_manager_sees_a_reload(front, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
        one = front()
        assert manager.recv(4096).startswith(b"READY=1")
        assert one.ask("upgrade")["ok"]
        assert manager.recv(4096).startswith(b"RELOADING=1")
        assert manager.recv(4096).startswith(b"READY=1")
