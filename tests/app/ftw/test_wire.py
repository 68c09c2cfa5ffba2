"""A front end that is none: it writes a log as ours does, and answers what it was told to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from revproxy.app.ftw import wire
from revproxy.app.ftw.model import Input
from revproxy.app.ftw.wire import LogLost, OnWire
from revproxy.errors import ConfigError

REQUEST = b"GET /?q=evil HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Front:
    """Serves one connection after the other until it is closed."""

    def __init__(self, log: Path, tls: ssl.SSLContext | None = None) -> None:
        self.log = log
        self.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: x\r\n\r\nhi"
        self.marks = True
        self.deaf = 0
        self.seen: list[bytes] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            with plain:
                sock = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
                with sock:
                    self._answer(sock)

    def _answer(self, sock: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return
            data += piece
        self.seen.append(data)
        mark = data.partition(b"X-CRS-Test: ")[2].partition(b"\r\n")[0].decode()
        with self.log.open("a") as log:
            if mark and self.marks:
                if self.deaf:
                    self.deaf -= 1
                else:
                    log.write(f'x [id "999999"] [msg "X-CRS-Test {mark}"]\n')
                    log.write('x [id "920300"] [msg "of the marker"]\n' if mark.endswith("-s") else "")
            if b"evil" in data:
                log.write('x [client 1.2.3.4] [id "942100"] [msg "a"]\nx {"escaped": "[id \\"932160\\"]"}\n')
        sock.sendall(self.reply if not mark else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    (tmp_path / "error.log").write_text('x [id "1"] of the past\n')
    made = Front(tmp_path / "error.log")
    yield made
    made.close()


@pytest.fixture
def on_wire(front: Front) -> Iterator[OnWire]:
    with OnWire(f"http://127.0.0.1:{front.port}", front.log) as made:
        yield made


def test_rules_between_two_markers(front: Front, on_wire: OnWire) -> None:
    for _ in range(2):
        seen = on_wire.observe(REQUEST, Input())
        assert seen.rules == ("920300", "942100", "932160")
        assert (seen.status, seen.refused, seen.error) == (200, False, "")
        assert seen.answer.headers[1] == (b"Server", b"x")
        assert seen.answer.body == b"hi"
    assert front.seen[1] == REQUEST
    assert b"\r\nHost: localhost\r\n" in front.seen[0]


def test_a_host_of_its_own(front: Front, on_wire: OnWire) -> None:
    on_wire.observe(REQUEST, Input(headers=(("host", "b"),), virtual_host=True))
    assert b"\r\nHost: b\r\n" in front.seen[0]


def test_the_gate(front: Front, on_wire: OnWire, monkeypatch: pytest.MonkeyPatch) -> None:
    front.reply = b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"
    seen = on_wire.observe(b"GET / HTTP/1.1\r\n\r\n", Input())
    assert seen.status == 400
    assert not on_wire.observe(REQUEST, Input()).refused


@pytest.mark.parametrize("reply", [b"", b"hello", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_no_answer(front: Front, on_wire: OnWire, reply: bytes) -> None:
    front.reply = reply
    seen = on_wire.observe(REQUEST, Input())
    assert seen.error
    assert "942100" in seen.rules


def test_a_marker_is_sent_again(front: Front, on_wire: OnWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_MARKER_SECONDS", 0.1)
    front.deaf = 2
    assert on_wire.observe(REQUEST, Input()).status == 200


def test_a_log_without_markers(front: Front, on_wire: OnWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_MARKER_SECONDS", 0.1)
    front.marks = False
    with pytest.raises(LogLost, match="is it the right one"):
        on_wire.observe(REQUEST, Input())


def test_nobody_there(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        OnWire(f"http://127.0.0.1:{port}", tmp_path / "log") as gone,
        pytest.raises(LogLost, match="does not answer"),
    ):
        gone.observe(REQUEST, Input())


def test_tls(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("elsewhere.example").configure_cert(context)
    (tmp_path / "log").touch()
    front = Front(tmp_path / "log", context)
    try:
        with OnWire(f"https://127.0.0.1:{front.port}", tmp_path / "log") as secured:
            assert secured.observe(REQUEST, Input()).status == 200
    finally:
        front.close()


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://a", "http://", "http://a:99999"])
def test_a_url_that_is_none(tmp_path: Path, url: str) -> None:
    (tmp_path / "log").touch()
    with pytest.raises(ConfigError, match="no URL"):
        OnWire(url, tmp_path / "log")


def test_a_log_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        OnWire("http://127.0.0.1", tmp_path / "gone")
