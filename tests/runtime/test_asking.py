from __future__ import annotations

import socket
import threading

import pytest

from revproxy.errors import PeerClosed, PeerTimeout, UpstreamError
from revproxy.runtime.asking import ask


@pytest.fixture
def answering(tmp_path):
    """`answering(bytes)` serves one client with that, and closes once `go` is set; returns (path, heard, go)."""
    threads = []

    def start(answer, close_at_once=True):
        path, heard, go = str(tmp_path / "sock"), [], threading.Event()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()

        def serve():
            with listener, listener.accept()[0] as sock:
                heard.append(sock.recv(4096))
                sock.sendall(answer)
                if not close_at_once:
                    go.wait(10)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return path, heard, go

    yield start
    for thread in threads:
        thread.join()


def test_a_question_and_its_answer(answering):
    path, heard, _ = answering(b'{"ok": true, "result": {}}\n')
    assert ask(path, "status", 10) == {"ok": True, "result": {}}
    assert heard == [b'{"do": "status"}\n']


def test_nobody_listens(tmp_path):
    with pytest.raises(UpstreamError, match="No such file"):
        ask(str(tmp_path / "none"), "status", 10)


def test_it_ends_without_an_answer(answering):
    path, _, _ = answering(b"")
    with pytest.raises(PeerClosed):
        ask(path, "status", 10)


def test_it_does_not_answer(answering):
    path, _, go = answering(b"", close_at_once=False)
    with pytest.raises(PeerTimeout):
        ask(path, "status", 0.05)
    go.set()


def test_it_answers_and_stays(answering):
    path, _, go = answering(b'{"ok": true}\n', close_at_once=False)
    with pytest.raises(PeerTimeout):
        ask(path, "drain", 0.05, until_gone=True)
    go.set()


def test_it_answers_and_goes(answering):
    path, _, _ = answering(b'{"ok": true}\n')
    assert ask(path, "drain", 10, until_gone=True) == {"ok": True}
