"""What a supervisor leaves: kept by the broker, given to the next one, and to nobody while it serves."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from revproxy.runtime.legacy import SUFFIX, Bell, Estate, Kept, Legacy, claim, named


def rung(number: int) -> bool:
    return bool(select.select([number], [], [], 0)[0])


@pytest.fixture
def control(tmp_path: Path) -> str:
    return str(tmp_path / "control")


@pytest.fixture
def legacy() -> Iterator[Legacy]:
    made = Legacy()
    yield made
    made.close()


def kept_of(legacy: Legacy, control: str, listening: socket.socket) -> Kept:
    kept = Kept()
    for name, what in legacy.left(control, {"127.0.0.1:80": listening}):
        kept.take(name, os.dup(what.fileno()))
    return kept


async def claimed(control: str) -> Estate:
    found = await asyncio.to_thread(claim, control)
    assert found is not None
    return found


def test_all_who_look_see_that_the_bell_was_rung() -> None:
    bell = Bell.make()
    other = os.dup(bell.end)
    assert not rung(bell.end)
    bell.ring()
    bell.ring()
    assert rung(bell.end)
    assert rung(other)
    os.close(other)
    bell.close()
    assert bell.fileno() == -1


def test_a_bell_that_nobody_can_ring_any_more_is_as_good_as_rung() -> None:
    bell = Bell.make()
    end = os.dup(bell.end)
    bell.close()
    assert rung(end)
    os.close(end)


def test_a_bell_that_nobody_hears() -> None:
    bell = Bell.make()
    rope = Bell(os.dup(bell.fileno()))
    bell.close()
    rope.ring()
    rope.close()


async def test_the_next_one_is_given_all_of_it(legacy: Legacy, control: str, listening: socket.socket) -> None:
    kept = kept_of(legacy, control, listening)
    kept.offer()
    # The first one fails to start: it is there for the second.
    first = await claimed(control)
    first.close()
    second = await claimed(control)
    for estate in (first, second):
        assert estate.sockets["127.0.0.1:80"].getsockname() == listening.getsockname()
        estate.sockets["127.0.0.1:80"].close()
    assert not rung(legacy.bell.end)
    second.settle()
    assert rung(legacy.bell.end)
    kept.forget()


async def test_once_it_is_settled_nobody_else_is_given_anything(
    legacy: Legacy, control: str, listening: socket.socket
) -> None:
    kept = kept_of(legacy, control, listening)
    address = listening.getsockname()
    kept.offer()
    estate = await claimed(control)
    listening.close()
    estate.sockets["127.0.0.1:80"].close()
    with socket.create_connection(address):
        pass
    estate.settle()
    async with asyncio.timeout(20):
        while True:
            try:
                (await asyncio.open_connection(*address))[1].close()
            except ConnectionError:
                break
    legacy.close()
    assert await asyncio.to_thread(claim, control) is None


async def test_what_is_forgotten_is_not_given(legacy: Legacy, control: str, listening: socket.socket) -> None:
    kept = kept_of(legacy, control, listening)
    kept.offer()
    kept.forget()
    legacy.close()
    assert await asyncio.to_thread(claim, control) is None


async def test_what_comes_again_takes_the_place_of_what_was_there(
    legacy: Legacy, control: str, listening: socket.socket
) -> None:
    kept = kept_of(legacy, control, listening)
    before = len(os.listdir("/proc/self/fd"))
    for name, what in legacy.left(control + "2", {"127.0.0.1:80": listening}):
        kept.take(name, os.dup(what.fileno()))
    assert len(os.listdir("/proc/self/fd")) == before
    kept.offer()
    estate = await claimed(control + "2")
    assert list(estate.sockets) == ["127.0.0.1:80"]
    estate.sockets["127.0.0.1:80"].close()
    estate.settle()
    kept.forget()


def test_nothing_is_left_where_there_was_nobody(control: str) -> None:
    assert claim(control) is None


def test_one_that_breaks_off(control: str, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claims, ThreadPoolExecutor(1) as pool:
        claims.bind(control + SUFFIX)
        claiming = pool.submit(claim, control)
        _, (number, *_), _, _ = socket.recv_fds(claims, 100, 1)
        with socket.socket(fileno=number) as line:
            line.send(named("listening x"))
        assert claiming.result(20) is None
    assert "is not given" in caplog.text


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_what_another_user_put_there_is_not_asked(control: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claims:
        claims.bind(control + SUFFIX)
        claims.setblocking(False)
        os.chown(control + SUFFIX, 65534, -1)
        assert claim(control) is None
        with pytest.raises(BlockingIOError):
            claims.recv(100)


def test_the_file_is_its_users_alone_and_moves(legacy: Legacy, control: str) -> None:
    legacy.left(control, {})
    assert stat.S_IMODE(os.stat(control + SUFFIX).st_mode) == 0o600
    legacy.left(control + "2", {})
    assert not os.path.exists(control + SUFFIX)
    assert os.path.exists(control + "2" + SUFFIX)
    legacy.close()
    assert not os.path.exists(control + "2" + SUFFIX)
