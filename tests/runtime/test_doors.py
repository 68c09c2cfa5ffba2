from __future__ import annotations

import asyncio
import os
import stat

import pytest

from revproxy.config.settings import Address, Control
from revproxy.errors import ConfigError
from revproxy.runtime.asking import ask
from revproxy.runtime.doors import Doors
from revproxy.runtime.sockets import bind, bound


async def _fine() -> dict:
    return {}


@pytest.fixture
async def doors():
    doors = Doors(None, {"status": _fine}, "r.yaml")
    yield doors
    await doors.close()


async def _answers(path) -> bool:
    return (await asyncio.to_thread(ask, str(path), "status", 10))["ok"]


async def test_both_open_move_and_close(doors, tmp_path):
    with bind(Address("127.0.0.1", 0)) as sock:
        await doors.move(Control(str(tmp_path / "a")), sock)
        reader, writer = await asyncio.open_connection("127.0.0.1", bound(sock).port)
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b"alive" in await reader.read()
        writer.close()
        await writer.wait_closed()
        assert await _answers(tmp_path / "a")
        await doors.move(Control(str(tmp_path / "b")), None)
        assert not (tmp_path / "a").exists()
        assert await _answers(tmp_path / "b")
    await doors.close()
    assert not (tmp_path / "b").exists()


async def test_the_control_socket_may_move_first(doors, tmp_path):
    await doors.move_control(Control(str(tmp_path / "a")))
    assert await _answers(tmp_path / "a")
    before = os.stat(tmp_path / "a").st_ino
    await doors.move(Control(str(tmp_path / "a")), None)
    assert os.stat(tmp_path / "a").st_ino == before


async def test_a_new_mode_on_the_same_path(doors, tmp_path):
    await doors.move(Control(str(tmp_path / "a")), None)
    await doors.move(Control(str(tmp_path / "a"), mode=0o660), None)
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == 0o660
    assert await _answers(tmp_path / "a")


async def test_a_move_that_fails_leaves_the_old_one(doors, tmp_path):
    await doors.move(Control(str(tmp_path / "a")), None)
    with pytest.raises(ConfigError):
        await doors.move(Control(str(tmp_path / "none" / "b")), None)
    assert await _answers(tmp_path / "a")
    await doors.move(Control(str(tmp_path / "a")), None)
    assert await _answers(tmp_path / "a")
