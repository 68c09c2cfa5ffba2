"""The internal server behind tests on a wire: an HTTP/1.1 server for our front end, which answers as `backend` says.

It reads what our front end writes and no more than that: a head, and a body of declared length.
"""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from revproxy.app.ftw.backend import answer, raw_answer
from revproxy.app.ftw.model import Answer
from revproxy.errors import ConfigError, Location

_HEAD_BYTES = 64 * 1024
_BODY_BYTES = 64 * 1024 * 1024
_IDLE_SECONDS = 60.0
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
"""Fields of which an answer has its own, whatever a test asks for."""
_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")


@contextmanager
def reflecting(host: str, port: int) -> Iterator[int]:
    """Serve meanwhile; the port, which the kernel chooses for 0. Raises ConfigError where nothing can listen."""
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        raise ConfigError(f"nothing can listen there: {error.strerror}", Location(f"{host}:{port}")) from None
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="reflector")
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    # Connections that a front end keeps end with the process.
    daemon_threads = True
    block_on_close = False


class _Handler(socketserver.StreamRequestHandler):
    """One connection, request after request."""

    timeout = _IDLE_SECONDS

    def handle(self) -> None:
        """Until the front end leaves, or says something else than a request."""
        try:
            while (raw := self._request()) is not None:
                self.wfile.write(framed_answer(answer(raw), raw.startswith(b"HEAD ")))
        except OSError:
            # It left in the middle, or said nothing for too long: there is nobody to tell.
            return

    def _request(self) -> bytes | None:
        reader = self.rfile
        lines, size = [], 0
        while (line := reader.readline(_HEAD_BYTES)) not in (b"\r\n", b""):
            lines.append(line)
            size += len(line)
            if size > _HEAD_BYTES:
                return None
        length = _length(lines)
        if not line or length is None:
            return None
        body = reader.read(length)
        return b"".join(lines) + b"\r\n" + body if len(body) == length else None


def _length(lines: list[bytes]) -> int | None:
    """What the head declares; None for what is none, or too much."""
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            number = value.strip(b" \t\r\n")
            return int(number) if number.isdigit() and len(number) < 9 and int(number) <= _BODY_BYTES else None
    return 0


def framed_answer(answered: Answer, head_only: bool) -> bytes:
    """An answer as its bytes, with framing of ours; fields that are none are left out."""
    bare = answered.status < 200 or answered.status in (204, 304)
    kept = [line for line in answered.headers if line[0].lower() not in _FRAMING and _is_field(*line)]
    body = b"" if bare else answered.body
    lines = kept if bare else [*kept, (b"Content-Length", b"%d" % len(body))]
    return raw_answer(Answer(answered.status, tuple(lines), b"" if head_only else body))


def _is_field(name: bytes, value: bytes) -> bool:
    return bool(name) and _TOKEN.issuperset(name) and not set(value) & set(b"\r\n\0")
