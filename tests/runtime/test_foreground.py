"""What ends `revproxy run` before it serves, in a process of its own."""

from __future__ import annotations

import os
import signal
import socket

import pytest


def test_a_missing_directory_of_the_control_socket(front):
    one = front(ready=False, control="/nonexistent/control")
    assert one.process.wait(10) == 2
    assert "plan.json: control: the directory /nonexistent does not exist" in "".join(one.rest())


def test_a_port_in_use_is_a_clear_error_and_nothing_is_bound(front, free_port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one = front(ready=False, listeners={"web": free_port, "mail": port})
        assert one.process.wait(10) == 2
    said = "".join(one.rest())
    assert f"plan.json: listener mail cannot listen on 127.0.0.1:{port}: Address already in use" in said
    assert not (one.folder / "control").exists()
    assert one.process.stdout.read() == ""


def test_a_wrong_configuration_binds_nothing(front, free_port):
    one = front(ready=False, listeners={"web": free_port}, faults={"prepare": "unknown key"})
    assert one.process.wait(10) == 2
    assert "plan.json:3:7: unknown key" in "".join(one.rest())


def test_workers_that_cannot_start(front):
    one = front(ready=False, workers=2, faults={"build": "no such rule"})
    assert one.process.wait(10) == 1
    assert "no such rule" in "".join(one.rest())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_prepares(front, tmp_path, number):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    one = front(ready=False, faults={"stall": "prepare", "fifo": str(fifo)})
    with fifo.open("wb"):
        one.signal(number)
        assert one.process.wait(10) == 0
    assert one.rest() == []


def test_told_to_stop_before_it_serves(front, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    one = front(ready=False, faults={"stall": "build", "fifo": str(fifo)})
    with fifo.open("wb"):  # opens when a worker is at it
        one.signal(signal.SIGINT)
        assert one.process.wait(10) == 0
    assert one.process.stdout.read() == ""
    assert "Traceback" not in "".join(one.rest())
    assert not (one.folder / "control").exists()
