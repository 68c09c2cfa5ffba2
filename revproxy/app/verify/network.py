"""Attempts on the network: ways to a connection or a packet that do not go through the broker.

Where the sandbox does not hold, some of these send a packet to an address of the documentation range or next to an
internal server.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from functools import partial

from revproxy.app.verify.attempt import Attempt, Ground
from revproxy.errors import WireError
from revproxy.net.egress import receive
from revproxy.net.egress.wire import MOST_BYTES, Request, Status, read_answer, write_request

_GROUP = "network"
_SECONDS = 5.0
_ENOUGH = 0.1
"""Seconds for a stranger to answer. That the attempt was not refused is known before; there may be hundreds."""
_HERE = ("127.0.0.1", 9)
"""For sockets that are bound to this machine."""
_FAMILIES = (
    ("raw", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    ("packet", socket.AF_PACKET, socket.SOCK_RAW, 0),
    ("netlink", socket.AF_NETLINK, socket.SOCK_RAW, 0),
    ("unix", socket.AF_UNIX, socket.SOCK_STREAM, 0),
    ("vsock", socket.AF_VSOCK, socket.SOCK_STREAM, 0),
    ("MPTCP", socket.AF_INET, socket.SOCK_STREAM, 262),
    ("SCTP", socket.AF_INET, socket.SOCK_STREAM, 132),
    ("IPv6", socket.AF_INET6, socket.SOCK_STREAM, 0),
)
_EXPERIMENT = 253
"""A protocol that nobody speaks (RFC 3692)."""
_PACKETS = {
    "ICMP": (
        (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP, b"\x08" + bytes(7)),
        (socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6, b"\x80" + bytes(7)),
    ),
    "a raw packet": (
        (socket.AF_INET, socket.SOCK_RAW, _EXPERIMENT, b"x"),
        (socket.AF_INET6, socket.SOCK_RAW, _EXPERIMENT, b"x"),
    ),
}
"""Without ports: an echo request, which anybody may send on some systems, and what takes rights. IPv4, IPv6."""


def attempts(ground: Ground) -> Iterator[Attempt]:
    """All of them."""
    for host, port in ground.strangers:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        place = (host, port)
        yield Attempt(_GROUP, f"TCP to {host} port {port}", partial(_connect, family, place))
        yield Attempt(_GROUP, f"TCP fast open to {host} port {port}", partial(_fast_open, family, place))
        yield Attempt(_GROUP, f"UDP to {host} port {port}", partial(_datagram, family, place))
    for host in dict.fromkeys(host for host, _ in ground.strangers):
        for name, kinds in _PACKETS.items():
            yield Attempt(_GROUP, f"{name} to {host}", partial(_packet, host, *kinds[":" in host]))
    yield from (Attempt(_GROUP, f"{name} socket", partial(_make, *kind)) for name, *kind in _FAMILIES)
    yield from _reused(ground, _HERE)
    yield from _unix(ground)
    yield Attempt(_GROUP, "a target of the broker that is not declared", partial(_undeclared, ground.egress))
    for upstream in ground.settings.upstreams:
        number = ground.settings.upstreams.index(upstream)
        yield Attempt("broker", f"upstream {upstream.name}", partial(_declared, ground.egress, number), wanted=True)


def last(ground: Ground) -> Iterator[Attempt]:
    """What the broker does not forgive."""
    yield Attempt(_GROUP, "an address instead of a target", partial(_address, ground.egress))


def _reused(ground: Ground, place: tuple[str, int]) -> Iterator[Attempt]:
    """Sockets that a worker has, for something else."""
    yield Attempt(_GROUP, "connect() of a connection that was reset", lambda: ground.reset.connect(place))
    yield Attempt(_GROUP, "fast open on it", lambda: ground.reset.sendto(b"x", socket.MSG_FASTOPEN, place))
    yield Attempt(_GROUP, "bind() of it", lambda: ground.reset.bind(("", 0)))
    yield Attempt(_GROUP, "shutting down a listening socket", partial(_shut, ground.listening))
    yield Attempt(_GROUP, "fast open by sendto on it", partial(_send_to, ground.listening, place))
    yield Attempt(_GROUP, "fast open by sendmsg on it", partial(_send_message, ground.listening, place))
    yield Attempt(_GROUP, "a log's UDP socket to elsewhere", lambda: ground.datagrams.sendto(b"x", place))
    yield Attempt(_GROUP, "the same by sendmsg", lambda: ground.datagrams.sendmsg([b"x"], [], 0, place))
    yield Attempt(_GROUP, "connecting it anew", lambda: ground.datagrams.connect(place))


def _unix(ground: Ground) -> Iterator[Attempt]:
    for path in (ground.settings.control.path, "/dev/log", "\0revproxy"):
        name = path.replace("\0", "@")
        yield Attempt(_GROUP, f"socket {name}", partial(_connect, socket.AF_UNIX, path))
        yield Attempt(_GROUP, f"a pair's datagram to {name}", partial(_stray, path))


def _make(family: int, kind: int, protocol: int) -> None:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
            # The kernel has no such sockets at all.
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
        raise


def _connect(family: int, place: tuple[str, int] | str) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(_ENOUGH)
        sock.connect(place)


def _fast_open(family: int, place: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        _send_message(sock, place)


def _send_message(sock: socket.socket, place: tuple[str, int]) -> None:
    sock.sendmsg([b"x"], [], socket.MSG_FASTOPEN | socket.MSG_DONTWAIT, place)


def _send_to(sock: socket.socket, place: tuple[str, int]) -> None:
    sock.sendto(b"x", socket.MSG_FASTOPEN | socket.MSG_DONTWAIT, place)


def _datagram(family: int, place: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", place)


def _packet(host: str, family: int, kind: int, protocol: int, data: bytes) -> None:
    with socket.socket(family, kind, protocol) as sock:
        sock.sendto(data, (host, 0))


def _shut(listening: socket.socket) -> None:
    listening.shutdown(socket.SHUT_RDWR)


def _stray(path: str) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.sendto(b"x", path)


def _status(egress: socket.socket, target: int) -> tuple[Status, int]:
    """What the broker says, and its errno; a socket that it gave is closed again. Raises OSError."""
    egress.settimeout(_SECONDS + 1.0)
    egress.send(write_request(Request(1, target, int(_SECONDS * 1000))))
    status = Status.ANEW
    while status is Status.ANEW:
        data, number = receive(egress, MOST_BYTES + 1)
        try:
            answer = read_answer(data)
        except WireError as error:
            raise OSError(errno.EPIPE, f"the broker is gone: {error}") from None
        status = answer.status
        if number is not None:
            os.close(number)
    return status, answer.errno


def _undeclared(egress: socket.socket) -> None:
    status, _ = _status(egress, 0xFFFF)
    if status is Status.UNKNOWN:
        raise PermissionError(errno.EACCES, "the broker knows no such target")


def _declared(egress: socket.socket, target: int) -> None:
    status, number = _status(egress, target)
    if status is not Status.CONNECTED:
        raise OSError(number or errno.EHOSTUNREACH, status.name.lower())


def _address(egress: socket.socket) -> None:
    egress.send(b"198.51.100.1:443")
    if not egress.recv(MOST_BYTES):
        raise PermissionError(errno.EACCES, "the broker hung up")
