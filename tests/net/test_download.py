"""Fetching within bounds, from folders and from a real HTTPS server on loopback that misbehaves as it is told."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme

from revproxy.errors import LimitError, PeerTimeout, UpstreamError
from revproxy.model import SupplyLimits
from revproxy.net.download import Downloader, NotThereError, is_remote, local_path

QUICK = SupplyLimits(idle_seconds=0.2)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, str]:
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return ca, str(path)


@contextmanager
def serving(ca: trustme.CA, *answers: bytes, silent: bool = False) -> Iterator[str]:
    """A server that gives these answers, one to a connection; `silent`: it then keeps the connection open."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    listener, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        for answer in answers:
            with suppress(OSError), listener.accept()[0] as plain, context.wrap_socket(plain, True) as sock:
                sock.recv(65_536)
                sock.sendall(answer)
                if silent:
                    over.wait(20)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}"
    finally:
        over.set()
        # A server that is still waiting for its client gets one.
        with suppress(OSError), socket.create_connection(listener.getsockname(), 1):
            pass
        thread.join()
        listener.close()


def answer(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *fields]
    return "\r\n".join([*head, "", ""]).encode() + body


def test_a_file(tmp_path):
    (tmp_path / "a b").write_bytes(b"x" * 200_000)
    for place in (str(tmp_path / "a b"), f"file://{tmp_path}/a%20b"):
        assert Downloader(QUICK).read(place, 200_000) == b"x" * 200_000
    with pytest.raises(LimitError, match="199999"):
        Downloader(QUICK).read(str(tmp_path / "a b"), 199_999)


@pytest.mark.parametrize("name", ["missing", "folder", "/dev/zero", "file/below"])
def test_what_is_no_file(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UpstreamError) as caught:
        Downloader(QUICK).read(str(tmp_path / name), 10)
    assert isinstance(caught.value, NotThereError) is (name == "missing")


@pytest.mark.parametrize("place", ["http://localhost/x", "ftp://localhost/x"])
def test_what_is_not_fetched_from(place):
    with pytest.raises(UpstreamError, match="only https"):
        Downloader(QUICK).read(place, 10)
    assert is_remote("https://x/") is not is_remote("file:///x")
    assert local_path("/a%20b") == "/a%20b"


def test_https(authority):
    ca, path = authority
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    with serving(ca, answer(b"hello"), chunked) as url:
        for place in (f"{url}/a?b", url):
            assert Downloader(QUICK, path).read(place, 5) == b"hello"


def test_a_server_that_nobody_vouches_for(authority):
    with serving(authority[0], answer(b"hello")) as url, pytest.raises(UpstreamError, match="certificate"):
        Downloader(QUICK).read(url, 5)


REFUSED = [
    (answer(b"", status="404 Not Found"), "answered 404"),
    (answer(b"", status="500 Oops"), "answered 500"),
    (answer(b"", "Location: /there", status="302 Found"), "/asked: redirects to https://.*/there; redirects are not"),
    (answer(b"", "Location: http://x/", status="302 Found"), "/asked: redirects to http://x/; redirects are not"),
    (answer(b"x", "Content-Encoding: gzip"), "coding that nobody asked for"),
    (answer(b"hello")[:-2], "cut short"),
    (b"HTTP/1.1 200 OK\r\n\r\nhello", "without a length"),
    (b"nonsense\r\n\r\n", "no clean answer"),
    (b"", "/asked: closed before a head"),
    (b"HTTP/1.1 200", "/asked: closed within a head"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", "/asked: no clean answer: head_bytes is over 32768"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", "no clean answer"),
]


@pytest.mark.parametrize(("said", "why"), REFUSED)
def test_answers_that_are_not_the_file(authority, said, why):
    ca, path = authority
    with serving(ca, said) as url, pytest.raises(UpstreamError, match=why) as caught:
        Downloader(QUICK, path).read(f"{url}/asked", 5)
    assert str(caught.value).startswith(f"{url}/asked: ")


def test_an_empty_file(authority):
    ca, path = authority
    with serving(ca, answer(b"")) as url:
        assert Downloader(QUICK, path).read(url, 5) == b""


def test_authorities_that_are_none(authority, tmp_path):
    (tmp_path / "ca.pem").write_text("hello")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(UpstreamError, match=f"^https://localhost:1/: .*/{name} has no authorities: "):
            Downloader(QUICK, str(tmp_path / name)).read("https://localhost:1/", 5)


def test_redirects_where_they_are_allowed(authority):
    ca, path = authority
    for said, why in (("/next", ""), ("http://localhost/next", "not HTTPS")):
        with serving(ca, answer(b"", f"Location: {said}", status="302 Found"), answer(b"there")) as url:
            if not why:
                assert Downloader(QUICK, path, redirects=1).read(url, 5) == b"there"
                continue
            with pytest.raises(UpstreamError, match=why):
                Downloader(QUICK, path, redirects=1).read(url, 5)
    further = answer(b"", "Location: /next", status="302 Found")
    with serving(ca, further, further) as url, pytest.raises(UpstreamError) as caught:
        Downloader(QUICK, path, redirects=1).read(url, 5)
    assert str(caught.value) == f"{url}: more than 1 redirects, the last one to {url}/next"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-", answer(b"hello")[:-2]])
def test_silence(authority, said):
    ca, path = authority
    with serving(ca, said, silent=True) as url, pytest.raises(PeerTimeout, match="silent"):
        Downloader(QUICK, path).read(url, 5)


@pytest.mark.parametrize(("seconds", "why"), [(1.0, "slower than 1024 bytes a second"), (200.0, "within 300 s")])
def test_trickling(tmp_path, seconds, why):
    """Each piece comes in time; all of them do not."""
    (tmp_path / "file").write_bytes(b"x" * 100 * 65_536 if seconds > 100 else b"x" * 100)
    ticks = itertools.count(0, seconds * 20 if seconds < 100 else seconds)
    downloader = Downloader(SupplyLimits(), clock=lambda: next(ticks))
    with pytest.raises(PeerTimeout, match=why):
        downloader.read(str(tmp_path / "file"), 10**9)


def test_one_budget_for_all(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 50_000_000)
    now = [0.0]
    downloader = Downloader(SupplyLimits(), clock=lambda: now[0])
    assert downloader.read(str(tmp_path / "file"), 10**9)
    now[0] = 301.0
    with pytest.raises(PeerTimeout, match="within 300 s"):
        downloader.read(str(tmp_path / "file"), 10**9)
