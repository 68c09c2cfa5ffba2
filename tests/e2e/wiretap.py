"""What arrives at a machine, seen at its end of the wire: before any rule, and whatever the protocol.

Only what begins something counts: answers, errors about others' packets and neighbour discovery do not.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

_IP, _IP6 = 0x0800, 0x86DD
_EVERYTHING = socket.htons(0x0003)
_TO_US = 0
"""PACKET_HOST: not what is sent here, nor what is for others."""
_SOL_PACKET, _STATISTICS, _FORCE_RECEIVE_BUFFER = 263, 6, 33
_BUFFER = 64 * 2**20
_SYN_OF_SYN_AND_ACK = (0x12, 0x02)
_ANSWERS = {
    socket.IPPROTO_ICMP: (0, 3, 11, 12),
    socket.IPPROTO_ICMPV6: (1, 2, 3, 4, 129, *range(130, 138), 143),
}
"""Types of ICMP that begin nothing: echo replies, errors, neighbours, groups."""
_NAMES = {socket.IPPROTO_UDP: "UDP", socket.IPPROTO_ICMP: "ICMP", socket.IPPROTO_ICMPV6: "ICMP"}


class Arrived(NamedTuple):
    """A packet that begins something. `kind` is a protocol's name; TCP with data in its first packet is fast open."""

    kind: str
    source: str
    target: str
    port: int


class Wiretap:
    """Listens on all interfaces of the network that it is made on."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _EVERYTHING)
        self._sock.setsockopt(socket.SOL_SOCKET, _FORCE_RECEIVE_BUFFER, _BUFFER)

    def seen(self) -> set[Arrived]:
        """Since the last look. None of it was lost."""
        found = {one for packet in self._packets() if (one := _read(packet)) is not None}
        _, lost = struct.unpack("II", self._sock.getsockopt(_SOL_PACKET, _STATISTICS, 8))
        assert not lost
        return found

    def _packets(self) -> Iterator[bytes]:
        try:
            while True:
                packet, (_, protocol, kind, *_) = self._sock.recvfrom(65535)
                if kind == _TO_US and protocol in (_IP, _IP6):
                    yield packet
        except BlockingIOError:
            return

    def close(self) -> None:
        self._sock.close()


def _read(packet: bytes) -> Arrived | None:
    four = packet[0] >> 4 == 4
    begin, length = (
        ((packet[0] & 15) * 4, int.from_bytes(packet[2:4])) if four else (40, 40 + packet[5] + packet[4] * 256)
    )
    protocol, ends = (packet[9], packet[12:20]) if four else (packet[6], packet[8:40])
    half = len(ends) // 2
    source, target = (str(ipaddress.ip_address(end)) for end in (ends[:half], ends[half:]))
    payload = packet[begin:length]
    port = int.from_bytes(payload[2:4]) if protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) else 0
    kind = _kind(protocol, payload)
    return Arrived(kind, source, target, port) if kind else None


def _kind(protocol: int, payload: bytes) -> str:
    """ "" for what begins nothing."""
    if protocol == socket.IPPROTO_TCP:
        mask, value = _SYN_OF_SYN_AND_ACK
        if payload[13] & mask != value:
            return ""
        return "TCP fast open" if len(payload) > payload[12] // 16 * 4 else "TCP"
    return "" if payload[0] in _ANSWERS.get(protocol, ()) else _NAMES.get(protocol, f"protocol {protocol}")
