"""The internal server on a wire."""

from __future__ import annotations

import errno
import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from revproxy.app.ftw.model import Answer
from revproxy.app.ftw.reflector import framed_answer, reflecting
from revproxy.errors import ConfigError


@pytest.fixture
def port() -> Iterator[int]:
    with reflecting("127.0.0.1", 0) as made:
        yield made


def said(port: int, raw: bytes) -> bytes:
    """What is answered; nothing where the connection is cut off."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        try:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            return sock.recv(100)
        except ConnectionError:
            return b""
        except OSError as error:
            # It was cut off between the two calls: there is nothing left to shut down.
            if error.errno == errno.ENOTCONN:
                return b""
            raise


def test_requests_on_one_connection(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    asked = json.dumps({"status": 404, "headers": {"X-A": "b"}, "body": "gone"})
    for _ in range(2):
        connection.request("POST", "/reflect", asked)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["X-A"], answer.read()) == (404, "b", b"gone")
        connection.request("GET", "/anything?q=<script>")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
    connection.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nx",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\nx",
        b"POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\nx",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    ],
)
def test_what_is_no_request_ends_the_connection(port: int, raw: bytes) -> None:
    assert said(port, raw) == b""


def test_the_framing_is_our_own() -> None:
    lines = ((b"Content-Length", b"99"), (b"X", b"a"), (b"connection", b"x"), (b"bad name", b"a"), (b"Y", b"a\nb"))
    assert framed_answer(Answer(200, lines, b"body"), False).endswith(b"\r\nX: a\r\nContent-Length: 4\r\n\r\nbody")
    assert framed_answer(Answer(200, (), b"body"), True).endswith(b"\r\nContent-Length: 4\r\n\r\n")
    for status in (204, 304):
        assert framed_answer(Answer(status, (), b"body"), False).endswith(b"Answer\r\n\r\n")


def test_a_place_that_is_taken(port: int) -> None:
    with pytest.raises(ConfigError, match="nothing can listen there"), reflecting("127.0.0.1", port):
        raise AssertionError
