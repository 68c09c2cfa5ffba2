"""A port scanner of the tests' own: many connects at once, and what became of each."""

from __future__ import annotations

import errno
import resource
import select
import socket
import struct
from collections.abc import Iterable, Iterator
from itertools import islice

AT_ONCE = min(15_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)
"""Connections that are tried at the same time."""
QUIET_SECONDS = 0.25
"""Nothing more has answered for so long: on wires within one machine an answer takes less than a millisecond."""
Target = tuple[str, int]
_REFUSED_HERE = (errno.EPERM, errno.EACCES, errno.EHOSTUNREACH, errno.ENETUNREACH)
"""What a rule of this machine itself says at once."""
_RESET = struct.pack("ii", 1, 0)


def tcp(targets: Iterable[Target], source: str = "") -> tuple[set[Target], set[Target]]:
    """Which took a connection, and which said that nobody listens.

    The others were silent, or a firewall said that it is prohibited.
    """
    opened, closed = set(), set()
    left = iter(targets)
    while some := list(islice(left, AT_ONCE)):
        for target, error, sock in connect(some, source):
            sock.close()
            if error == 0:
                opened.add(target)
            elif error == errno.ECONNREFUSED:
                closed.add(target)
    return opened, closed


def connect(targets: Iterable[Target], source: str = "") -> Iterator[tuple[Target, int, socket.socket]]:
    """Connect to all at once; each that answered, with 0 or an error and its socket, until nothing more comes."""
    waiting: dict[int, tuple[Target, socket.socket]] = {}
    with select.epoll() as epoll:
        for target in targets:
            family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            if source:
                sock.bind((source, 0))
            error = sock.connect_ex(target)
            if error == errno.EINPROGRESS:
                epoll.register(sock.fileno(), select.EPOLLOUT)
                waiting[sock.fileno()] = target, sock
            else:
                yield target, error, sock
        while waiting and (events := epoll.poll(QUIET_SECONDS, len(waiting))):
            for number, _ in events:
                target, sock = waiting.pop(number)
                epoll.unregister(number)
                yield target, sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), sock
    for _, sock in waiting.values():
        sock.close()


def held(target: Target, count: int, source: str) -> int:
    """How many of so many connections at once are taken, when none is given back; all are reset in the end."""
    answers = list(connect([target] * count, source))
    for _, _, sock in answers:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.close()
    return sum(error == 0 for _, error, _ in answers)


def udp(targets: Iterable[Target], source: str = "") -> None:
    """A datagram to each; whether it arrived, the other end knows."""
    for host, port in targets:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            if source:
                sock.bind((source, 0))
            try:
                sock.sendto(b"anybody there?", (host, port))
            except OSError as error:
                if error.errno not in _REFUSED_HERE:
                    raise
