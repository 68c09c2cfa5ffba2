from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile

import pytest

from revproxy.config.settings import Control
from revproxy.errors import ConfigError, Location
from revproxy.runtime import control


@pytest.fixture
async def server(tmp_path):
    """A started server; its verbs are `fine`, `wrong` and `broken`."""

    async def fine() -> dict:
        return {"it": "is"}

    async def wrong() -> dict:
        raise ConfigError("unknown key", Location("r.yaml", 2, 1))

    async def broken() -> dict:
        raise ZeroDivisionError("oh")

    where = Control(str(tmp_path / "sock"))
    server = control.ControlServer(where, {"fine": fine, "wrong": wrong, "broken": broken})
    await server.start(control.bind(where, "r.yaml"))
    yield server
    server.close()


async def _say(path: str, *lines: bytes) -> list[dict]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.writelines(lines)
    writer.write_eof()
    got = [json.loads(line) async for line in reader]
    writer.close()
    await writer.wait_closed()
    return got


async def test_each_line_is_answered(server):
    lines = [b'{"do": "fine"}\n', b'{"do": "wrong"}\n', b'{"do": "broken"}\n']
    fine, wrong, broken = await _say(server.control.path, *lines)
    assert fine == {"ok": True, "result": {"it": "is"}}
    assert wrong == {"ok": False, "error": "r.yaml:2:1: unknown key", "kind": "ConfigError"}
    assert broken["error"] == "internal error: ZeroDivisionError: oh"


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"[]\n", b'{"do": []}\n', b'{"do": "x"}\n', b"\xff\n", b"1\n"])
async def test_what_is_no_verb_is_told_the_verbs(server, line):
    assert await _say(server.control.path, line) == [{"ok": False, "error": "expected one of fine, wrong, broken"}]


async def test_a_line_that_is_too_long_ends_the_talk(server):
    assert await _say(server.control.path, b"x" * (2 * control.MOST_LINE + 1)) == []
    assert len(await _say(server.control.path, b'{"do": "fine"}\n')) == 1


async def test_a_stranger_is_told_so(server, monkeypatch):
    monkeypatch.setattr(control, "peer_uid", lambda _sock: 4242)
    assert await _say(server.control.path) == [{"ok": False, "error": "uid 4242 is not allowed"}]


def test_the_kernel_says_who_connected():
    one, two = socket.socketpair(socket.AF_UNIX)
    with one, two:
        assert control.peer_uid(one) == os.getuid()


def _replace(path: str) -> None:
    os.unlink(path)
    with open(path, "w") as file:
        file.write("x")


async def test_close_removes_only_its_own_file(server):
    _replace(server.control.path)
    server.close()
    assert os.stat(server.control.path).st_size == 1


def test_a_stale_file_makes_way_and_the_mode_is_set(tmp_path):
    where = Control(str(tmp_path / "sock"), mode=0o620)
    control.bind(where, "r.yaml").close()
    assert os.path.exists(where.path)
    with control.bind(where, "r.yaml"):
        assert stat.S_IMODE(os.stat(where.path).st_mode) == 0o620


def test_one_that_is_answered_does_not(tmp_path):
    where = Control(str(tmp_path / "sock"))
    with (
        control.bind(where, "r.yaml"),
        pytest.raises(ConfigError, match=r"r\.yaml: control: another revproxy answers"),
    ):
        control.bind(where, "r.yaml")


@pytest.mark.parametrize(
    ("path", "owner", "text"),
    [
        ("missing/sock", None, "does not exist"),
        ("file", None, "exists and is no socket"),
        ("x" * 200, None, "longer than 102 bytes"),
        ("sock", "nobody-of-that-name", "there is no user"),
    ],
)
def test_check_names_what_is_wrong(tmp_path, monkeypatch, path, owner, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=text):
        control.check(Control(path, owner), "r.yaml")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_check_without_rights():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(ConfigError, match=f"directory {folder} is not writable"):
                control.check(Control(f"{folder}/sock"), "r.yaml")
        finally:
            os.seteuid(0)


@pytest.mark.parametrize(("owner", "uid"), [(None, os.getuid()), ("0", 0), ("root", 0), ("65534", 65534)])
def test_owners(owner, uid):
    assert control.owner_uid(Control("x", owner)) == uid


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_the_owner_gets_the_socket(tmp_path):
    where = Control(str(tmp_path / "sock"), "65534")
    with control.bind(where, "r.yaml"):
        assert os.stat(where.path).st_uid == 65534


def test_the_folder_of_the_default_path_is_made(tmp_path, monkeypatch):
    folder = str(tmp_path / "revproxy")
    monkeypatch.setattr(control, "RUN_FOLDER", folder)
    where = Control(f"{folder}/control.sock")
    assert control.wrong(where) is None
    assert not os.path.exists(folder)
    control.bind(where, "r.yaml").close()
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o755


def test_the_folder_of_the_default_path_that_cannot_be_made(monkeypatch):
    monkeypatch.setattr(control, "RUN_FOLDER", "/proc/none/revproxy")
    with pytest.raises(ConfigError, match="does not exist and cannot be made"):
        control.bind(Control("/proc/none/revproxy/control.sock"), "r.yaml")
