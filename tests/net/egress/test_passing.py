"""One descriptor comes through, closed on exec; more than one leaves nothing open."""

from __future__ import annotations

import os
import socket

import pytest

from revproxy.net.egress.passing import receive


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_at_most_one_comes_through(count: int) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, open(os.devnull, "rb") as file:
        before = len(os.listdir("/proc/self/fd"))
        socket.send_fds(theirs, [b"hello"], [file.fileno()] * count)
        data, number = receive(ours, 3)
        assert data == b"hel"
        assert (number is None) == (count == 0)
        if number is not None:
            assert not os.get_inheritable(number)
            os.close(number)
        assert len(os.listdir("/proc/self/fd")) == before
