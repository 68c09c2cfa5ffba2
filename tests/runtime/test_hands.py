"""Workers come by their log files, by kind, and by nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from revproxy.config.settings import Log, Logs
from revproxy.errors import ConfigError
from revproxy.runtime import hands as module
from revproxy.runtime.hands import Hand, Hands


class Given:
    """A worker's hand, and the supervisor's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        logs = Logs(Log(f"file:{folder}/access.log"), Log(f"file:{folder}/fifo"), Log("syslog:127.0.0.1:514"))
        os.mkfifo(folder / "fifo")
        self.hands = Hands(logs)
        self.number, sock = self.hands.line()
        self.sock = sock
        self.hand = Hand(sock)

    async def open(self, kind: str) -> int | None:
        return await asyncio.to_thread(self.hand.open, kind, "the log's path")


@pytest.fixture
async def given(tmp_path: Path) -> AsyncIterator[Given]:
    made = Given(tmp_path)
    yield made
    made.hands.close()
    made.sock.close()


async def test_a_file(given: Given) -> None:
    for text in (b"one\n", b"two\n"):
        number = await given.open("access")
        assert number is not None
        assert not os.get_inheritable(number)
        os.write(number, text)
        os.close(number)
    assert (given.folder / "access.log").read_bytes() == b"one\ntwo\n"


async def test_a_fifo_with_and_without_a_reader(given: Given) -> None:
    assert await given.open("audit") is None
    reader = os.open(given.folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    number = await given.open("audit")
    assert number is not None
    os.close(number)
    os.close(reader)


@pytest.mark.parametrize("kind", ["error", "../../etc/passwd", "a" * 40, "/etc/passwd"])
async def test_what_is_no_log_file(given: Given, kind: str) -> None:
    with pytest.raises(ConfigError, match="no such log"):
        await given.open(kind)
    number = await given.open("access")
    assert number is not None, "and it goes on"
    os.close(number)


async def test_a_file_that_cannot_be_opened(given: Given) -> None:
    (given.folder / "access.log").mkdir()
    with pytest.raises(ConfigError, match="directory"):
        await given.open("access")


async def test_a_supervisor_that_does_not_answer_or_is_gone(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAIT_MILLISECONDS", 20)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    hand = Hand(ours)
    with ours, theirs:
        with pytest.raises(ConfigError, match="does not answer"):
            hand.open("access", "p")
        socket.send_fds(theirs, [b'{"error": ""}'], [theirs.fileno()])
        with pytest.raises(ConfigError, match="does not answer"):
            hand.open("access", "p")
        theirs.close()
        with pytest.raises(ConfigError):
            hand.open("access", "p")


async def test_whoever_asks_too_often_waits(given: Given) -> None:
    asked = 0
    while asked < 10_000:
        try:
            given.sock.send(b"access")
            asked += 1
        except BlockingIOError:
            break
    assert asked < 10_000
    number, other = given.hands.line()
    found = await asyncio.to_thread(Hand(other).open, "access", "p")
    assert found is not None
    os.close(found)
    other.close()
    given.hands.drop(number)
