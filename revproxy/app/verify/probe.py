"""What `run` starts: `python -m revproxy.app.verify.probe N`, N being its socket to a broker. Not for people.

It does what a worker does until it is locked in, by the same functions, and then makes its attempts. Each is told
before it is made, so that one that ends the process is known. One JSON object a line.
"""

from __future__ import annotations

import json
import pickle
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain

import uvloop

from revproxy.app.verify import network, system
from revproxy.app.verify.attempt import Attempt, Ground, Row, made
from revproxy.config import Settings
from revproxy.runtime.sandbox import NotConfined, begin
from revproxy.runtime.worker import lock_in

_LINGER = struct.pack("ii", 1, 0)
_LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Errand:
    """What the probe is told, pickled, on its standard input."""

    settings: Settings
    strangers: tuple[tuple[str, int], ...]
    private: tuple[str, ...]


def say(**message: object) -> None:
    """A line for `run`."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def ground_of(errand: Errand, egress: socket.socket) -> Ground:
    """Sockets of the kinds that a worker has."""
    listening = socket.create_server((_LOCAL, 0))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.connect(listening.getsockname())
    return Ground(errand.settings, listening, datagrams, _reset(listening), egress, errand.strangers, errand.private)


def _reset(listening: socket.socket) -> socket.socket:
    """A connection that its peer has reset. Where rules keep this user even from loopback, one that never was: to the
    kernel it is the same."""
    try:
        theirs = socket.create_connection(listening.getsockname())
    except OSError:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reset, _ = listening.accept()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    theirs.close()
    return reset


def attempts(ground: Ground) -> Iterator[Attempt]:
    """All, those that may be the last ones at the end."""
    return chain(network.attempts(ground), system.attempts(ground), network.last(ground), system.last())


def main(arguments: Sequence[str]) -> int:
    """Be the probe; the exit code."""
    errand: Errand = pickle.loads(sys.stdin.buffer.read())
    if errand.settings.sandbox:
        begin()
    # A worker has one, and what it brings along.
    loop = uvloop.new_event_loop()
    ground = ground_of(errand, socket.socket(fileno=int(arguments[0])))
    try:
        say(missing=lock_in(errand.settings) if errand.settings.sandbox else ["all of it: sandbox is off"])
    except (NotConfined, OSError) as error:
        say(failed=str(error))
        return 1
    for attempt in attempts(ground):
        say(begins=[attempt.group, attempt.what])
        row: Row = made(attempt)
        say(row=asdict(row))
    say(ends=True)
    loop.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
