"""Stages against a running front end: bytes on a socket, rules from its error log between two markers.

As go-ftw does it: before and after a request another one goes out with a header that a rule writes into the log, and
what stands between those two lines belongs to the request. The front end's certificate is not checked: it is the
operator's own, and often a provisional one.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from revproxy.app.ftw.model import Answer, Input, Observed
from revproxy.app.ftw.setup import MARKER_HEADER
from revproxy.errors import ConfigError, Location, RevproxyError

_SECONDS = 10.0
_MARKER_SECONDS = 5.0
_MARKER_TRIES = 5
_POLL_SECONDS = 0.005
_MOST_BYTES = 64 * 1024 * 1024
_ID = re.compile(rb'\[id \\?"([^"\\]{1,64}+)\\?"\]')
_GATE = frozenset({400, 405, 408, 411, 413, 414, 415, 417, 421, 431, 501, 505})
"""Statuses with which a protocol gate answers; where no rule stands in the log, it was the gate."""


class LogLost(RevproxyError):
    """The log does not show what it must."""


class OnWire:
    """A front end at a URL, and its error log."""

    def __init__(self, url: str, log: Path) -> None:
        """Raises ConfigError for a URL that is none, or a log that is not there."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise ConfigError("this is no URL of a front end", Location(url), hint="http://127.0.0.1:8080")
        self._tls = parts.scheme == "https"
        self._place = (parts.hostname, port or (443 if self._tls else 80))
        try:
            self._log = log.open("rb")
        except OSError as error:
            raise ConfigError(f"the log cannot be read: {error.strerror}", Location(str(log))) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.close()

    def observe(self, raw: bytes, given: Input) -> Observed:
        """What becomes of a request (`run.Runner`). Raises LogLost when no marker shows up."""
        host = "localhost"
        if given.virtual_host:
            host = next((value for name, value in given.headers if name.lower() == "host"), host)
        name = str(uuid.uuid4())
        self._log.seek(0, 2)
        self._mark(f"{name}-s", host)
        try:
            answer, error = self._exchange(raw), ""
        except (OSError, http.client.HTTPException) as trouble:
            answer, error = Answer(0), f"{type(trouble).__name__}: {trouble}"
        between = self._mark(f"{name}-e", host)
        # A marker that was slow to show up was sent again, and may stand here once more.
        lines = tuple(line for line in between if MARKER_HEADER.lower().encode() not in line.lower())
        rules = tuple(match[1].decode("ascii", "replace") for line in lines for match in _ID.finditer(line))
        refused = not rules and answer.status in _GATE
        return Observed(rules, lines, answer.status, refused, answer, error)

    def _mark(self, name: str, host: str) -> list[bytes]:
        """Have a marker written; the lines between the one before and this one."""
        request = (
            f"GET /status/200 HTTP/1.1\r\nAccept: */*\r\nHost: {host}\r\nUser-Agent: revproxy ftw\r\n"
            f"{MARKER_HEADER}: {name}\r\nConnection: close\r\n\r\n"
        )
        found: list[bytes] = []
        for _ in range(_MARKER_TRIES):
            try:
                self._exchange(request.encode())
            except (OSError, http.client.HTTPException) as error:
                raise LogLost(f"the front end does not answer a marker: {error}") from error
            if self._until(name.encode(), found):
                return found
        raise LogLost(f"no line with {MARKER_HEADER} {name} shows up in the log: is it the right one?")

    def _until(self, name: bytes, found: list[bytes]) -> bool:
        """Collect new lines up to the marker; False when it does not come in time."""
        until = time.monotonic() + _MARKER_SECONDS / _MARKER_TRIES
        while time.monotonic() < until:
            at = self._log.tell()
            line = self._log.readline()
            if not line.endswith(b"\n"):
                self._log.seek(at)
                time.sleep(_POLL_SECONDS)
                continue
            if name in line:
                return True
            found.append(line.rstrip(b"\r\n"))
        return False

    def _exchange(self, raw: bytes) -> Answer:
        """Send bytes, read an answer. Raises OSError, HTTPException."""
        with socket.create_connection(self._place, _SECONDS) as plain, self._secured(plain) as sock:
            sock.sendall(raw)
            method = raw.partition(b" ")[0].decode("latin-1")
            reader = http.client.HTTPResponse(sock, method=method)
            try:
                reader.begin()
                body = reader.read(_MOST_BYTES)
                if reader.length and len(body) < _MOST_BYTES:
                    raise http.client.IncompleteRead(body, reader.length)
            finally:
                reader.close()
        lines = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in reader.getheaders())
        return Answer(reader.status, lines, body)

    def _secured(self, plain: socket.socket) -> socket.socket:
        if not self._tls:
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(plain, server_hostname=self._place[0])
