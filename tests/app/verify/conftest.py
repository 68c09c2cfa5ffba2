"""A ground to make attempts on, in this process, which is not locked in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from revproxy.app.verify.attempt import Ground
from revproxy.app.verify.probe import Errand, ground_of
from revproxy.config.settings import Address, Control, Listener, ListenerKind, Settings, Upstream


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        (Listener("web", ListenerKind.HTTP, Address("127.0.0.1", 0)),),
        (Upstream("web", Address("127.0.0.1", 9)), Upstream("mail", Address("mail.internal", 25))),
        spool=str(tmp_path / "spool"),
        cache=str(tmp_path / "cache"),
        control=Control(str(tmp_path / "control.sock")),
    )


@pytest.fixture
def ground(settings: Settings) -> Iterator[Ground]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made = ground_of(Errand(settings, (("127.0.0.1", 9),), ("/etc/passwd",)), ours)
    yield made
    for sock in (made.listening, made.datagrams, made.reset, made.egress, theirs):
        sock.close()
