"""Sockets of a service manager: counted, ours alone, and nobody else's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from revproxy.runtime.activation import given

_LAUNCHER = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
from revproxy.runtime.activation import given
found = given()
print([sock.getsockname()[1] for sock in found], [name for name in os.environ if name.startswith("LISTEN_")])
print([sock.get_inheritable() for sock in found])
"""


@pytest.mark.parametrize(
    "environment",
    [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())}],
    ids=["none", "another process", "no number"],
)
def test_none_is_given(environment):
    environment["PATH"] = "/bin"
    assert given(environment) == []
    assert environment == {"PATH": "/bin"}


def test_they_begin_with_the_third_descriptor():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [sock.getsockname()[1] for sock in (one, two)]
        command = f'exec {sys.executable} -c "$0" 3<&{one.fileno()} 4<&{two.fileno()}'
        done = subprocess.run(
            ["bash", "-c", command, _LAUNCHER],
            env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"},
            pass_fds=(one.fileno(), two.fileno()),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.splitlines() == [f"{ports} []", "[False, False]"]
