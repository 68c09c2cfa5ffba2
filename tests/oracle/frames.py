"""Frames on a socket: eight bytes of length, then so many bytes."""

from __future__ import annotations

import socket
import struct

_LENGTH = struct.Struct("!Q")


def write(channel: socket.socket, data: bytes) -> None:
    """Send one."""
    channel.sendall(_LENGTH.pack(len(data)) + data)


def read(channel: socket.socket) -> bytes:
    """Receive one; nothing when the other side has closed. Raises TimeoutError as the socket is set."""
    head = _exactly(channel, _LENGTH.size)
    return _exactly(channel, _LENGTH.unpack(head)[0]) if head else b""


def _exactly(channel: socket.socket, length: int) -> bytes:
    pieces = []
    while length:
        piece = channel.recv(min(length, 1 << 20))
        if not piece:
            return b""
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
