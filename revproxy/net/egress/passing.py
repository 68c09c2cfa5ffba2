"""Taking a message and at most one descriptor off a socket. Sending is `socket.send_fds`."""

from __future__ import annotations

import os
import socket
import struct

_ONE = struct.Struct("i")
_ROOM = socket.CMSG_SPACE(_ONE.size)


def receive(sock: socket.socket, most: int) -> tuple[bytes, int | None]:
    """A datagram of up to `most` bytes, and the descriptor beside it, which no child inherits. Raises OSError.

    `socket.recv_fds` leaves out its flags (as of Python 3.11), and with them that the descriptor is not inherited.
    """
    data, beside, _, _ = sock.recvmsg(most, _ROOM, socket.MSG_CMSG_CLOEXEC)
    found = [
        number
        for level, kind, held in beside
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS
        for (number,) in _ONE.iter_unpack(held[: len(held) - len(held) % _ONE.size])
    ]
    # There is room for one, but for a second where the padding leaves it.
    for number in found[1:]:
        os.close(number)
    return data, found[0] if found else None
