"""A port scanner of the tests' own: many connects at once, and what became of each."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

AT_ONCE = 8000
"""Sockets that are open at the same time."""
QUIET_SECONDS = 0.25
"""Nothing more has answered for so long: on wires within one machine an answer takes less than a millisecond."""


@dataclass
class Answers:
    """Ports of one host, by what it said: `opened` took a connection, `closed` sent a reset.

    The others were silent, or a firewall said that it is prohibited.
    """

    opened: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    def note(self, port: int, error: int) -> None:
        if error == 0:
            self.opened.append(port)
        elif error == errno.ECONNREFUSED:
            self.closed.append(port)


def tcp(host: str, ports: Iterable[int]) -> Answers:
    """Connect to every port of a host."""
    found = Answers()
    wanted = list(ports)
    for begin in range(0, len(wanted), AT_ONCE):
        _together(host, wanted[begin : begin + AT_ONCE], found)
    found.opened.sort()
    return found


def _together(host: str, ports: list[int], found: Answers) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    waiting: dict[int, tuple[socket.socket, int]] = {}
    with select.epoll() as epoll:
        for port in ports:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            error = sock.connect_ex((host, port))
            if error == errno.EINPROGRESS:
                epoll.register(sock.fileno(), select.EPOLLOUT)
                waiting[sock.fileno()] = sock, port
                continue
            found.note(port, error)
            sock.close()
        while waiting and (events := epoll.poll(QUIET_SECONDS, len(waiting))):
            for number, _ in events:
                sock, port = waiting.pop(number)
                found.note(port, sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                sock.close()
    for sock, _ in waiting.values():
        sock.close()


def udp(host: str, ports: Iterable[int]) -> None:
    """A datagram to every port; whether it arrived, the other end knows."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in ports:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                sock.sendto(b"anybody there?", (host, port))
            except OSError as error:
                # A rule of this machine itself says so at once.
                if error.errno not in (errno.EPERM, errno.EHOSTUNREACH, errno.EACCES, errno.ENETUNREACH):
                    raise
