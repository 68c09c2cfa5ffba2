"""Every way out is tried, and where nothing refuses it, that is seen."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from revproxy.app.verify import network
from revproxy.app.verify.attempt import Attempt, Ground, Outcome, made
from revproxy.net.egress.wire import MOST_BYTES, Answer, Status, read_request, write_answer


def named(ground: Ground, what: str) -> Attempt:
    return next(one for one in (*network.attempts(ground), *network.last(ground)) if one.what == what)


@pytest.mark.parametrize(
    "what",
    [
        "TCP to 127.0.0.1 port 9",
        "TCP fast open to 127.0.0.1 port 9",
        "UDP to 127.0.0.1 port 9",
        "netlink socket",
        "unix socket",
        "bind() of it",
        "a log's UDP socket to elsewhere",
        "socket @revproxy",
    ],
)
def test_what_is_possible_here_is_seen(ground: Ground, what: str) -> None:
    assert made(named(ground, what)).outcome is Outcome.POSSIBLE


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, who may make raw packets")
def test_a_raw_packet_is_possible_here(ground: Ground) -> None:
    assert made(named(ground, "a raw packet to 127.0.0.1")).outcome is Outcome.POSSIBLE


def test_a_listening_socket_that_is_shut_down_connects(ground: Ground) -> None:
    for what in ("shutting down a listening socket", "fast open by sendmsg on it"):
        assert made(named(ground, what)).outcome is Outcome.POSSIBLE


def test_no_two_have_the_same_name(ground: Ground) -> None:
    names = [one.what for one in network.attempts(ground)]
    assert len(set(names)) == len(names) > 20


def answering(sock: socket.socket, status: Status) -> threading.Thread:
    """A broker that says this to one request."""

    def run() -> None:
        sock.send(write_answer(Answer(0, Status.ANEW)))
        number = read_request(sock.recv(MOST_BYTES)).number
        sock.send(write_answer(Answer(number, status, 111)))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("what", "status", "outcome"),
    [
        ("a target of the broker that is not declared", Status.UNKNOWN, Outcome.REFUSED),
        ("a target of the broker that is not declared", Status.CONNECTED, Outcome.POSSIBLE),
        ("upstream web", Status.CONNECTED, Outcome.WORKS),
        ("upstream web", Status.REFUSED, Outcome.FAILS),
    ],
)
def test_what_the_broker_says(settings: object, what: str, status: Status, outcome: Outcome, ground: Ground) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        asked = Ground(
            ground.settings, ground.listening, ground.datagrams, ground.reset, ours, ground.strangers, ground.private
        )
        thread = answering(theirs, status)
        assert made(named(asked, what)).outcome is outcome
        thread.join()
        theirs.close()
        assert made(named(asked, "an address instead of a target")).outcome is not Outcome.REFUSED
