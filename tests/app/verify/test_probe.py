"""The probe: what it stands on, and what it says."""

from __future__ import annotations

import errno
import json
import pickle
import socket
import subprocess
from dataclasses import replace

import pytest

from revproxy.app.verify.attempt import Ground
from revproxy.app.verify.probe import Errand, attempts, ground_of, say
from revproxy.app.verify.run import PROBE
from revproxy.config import Settings


def test_a_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    say(begins=["network", "TCP"])
    assert json.loads(capsys.readouterr().out) == {"begins": ["network", "TCP"]}


def test_what_may_be_the_last_comes_last(ground: Ground) -> None:
    names = [one.what for one in attempts(ground)]
    assert names[-2:] == ["an address instead of a target", "exec"]


def test_the_ground_is_what_a_worker_has(ground: Ground) -> None:
    assert ground.listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    assert ground.datagrams.getpeername()
    with pytest.raises(ConnectionResetError):
        ground.reset.recv(1)


def test_without_loopback_a_socket_stands_for_a_reset_connection(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> None:
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    monkeypatch.setattr(socket, "create_connection", refused)
    other = ground_of(Errand(ground.settings, (), ()), ground.egress)
    with other.listening, other.datagrams, other.reset:
        assert {tcp_state(one.reset) for one in (ground, other)} == {_CLOSE}


_CLOSE = 7
"""TCP_CLOSE of the kernel."""


def tcp_state(sock: socket.socket) -> int:
    """The first byte of struct tcp_info."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def test_one_that_cannot_be_locked_in_says_so(settings: Settings) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    errand = Errand(replace(settings, spool="/no/such/folder"), (), ())
    with ours, theirs:
        done = subprocess.run(
            [*PROBE, str(theirs.fileno())],
            input=pickle.dumps(errand),
            pass_fds=[theirs.fileno()],
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "/no/such/folder" in json.loads(done.stdout)["failed"]
