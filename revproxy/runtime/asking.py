"""The command line's side of the control socket: blocking, one question."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

from revproxy.errors import PeerClosed, PeerTimeout, UpstreamError

_MOST = 16 * 1024 * 1024


def ask(path: str, verb: str, timeout: float, until_gone: bool = False) -> dict[str, Any]:
    """Send one verb and return the answer; with `until_gone`, only after the supervisor has ended.

    `timeout` is in seconds and for the whole conversation. Raises UpstreamError when nobody listens there,
    PeerClosed when the supervisor ended before it answered, PeerTimeout.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(path)
            # A supervisor that does not hear this user says so and closes, maybe before the question is out.
            with suppress(BrokenPipeError):
                sock.sendall(json.dumps({"do": verb}).encode() + b"\n")
            with sock.makefile("rb") as stream:
                line = stream.readline(_MOST)
                if until_gone:
                    stream.read(1)
        except TimeoutError:
            raise PeerTimeout(f"no answer on {path} within {timeout:g} s") from None
        except OSError as error:
            raise UpstreamError(f"{path}: {error.strerror}") from None
    if not line:
        raise PeerClosed(f"{path}: closed without an answer")
    answer = json.loads(line)
    assert isinstance(answer, dict)
    return answer
