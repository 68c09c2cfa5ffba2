from __future__ import annotations

import os

import pytest

from revproxy.errors import ConfigError, SupplyError
from revproxy.updates.files import File, alone, clear_unfinished, is_ours, link_whole, write_all, write_whole


def test_files_and_links_are_replaced_in_one_step(tmp_path):
    for data in (b"one", b"two"):
        write_whole(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    for target in ("file", "other"):
        link_whole(tmp_path / "link", target)
        assert os.readlink(tmp_path / "link") == target
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]


def test_what_could_not_be_put_there_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", b"one")
    assert os.listdir(tmp_path) == ["folder"]


def test_all_or_nothing_where_the_disk_is_full(tmp_path, full_disk):
    (tmp_path / "one").write_bytes(b"before")
    files = [File(tmp_path / name, b"now") for name in ("one", "two", "three")]
    for written in range(3):
        with full_disk(written), pytest.raises(OSError) as caught:
            write_all(files)
        assert caught.value.filename == str(files[written].path)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
    write_all(files)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("one", "two", "three"), b"now"
    )


def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", lambda source, target: None)
        patched.setattr(type(tmp_path), "unlink", lambda path: None)
        write_whole(tmp_path / "file", b"one")
    (left,) = tmp_path.iterdir()
    others = {tmp_path / ".htaccess", tmp_path / "0123456789abcdef", tmp_path / ".0123456789abcdef.pem"}
    for path in others:
        path.touch()
    clear_unfinished(tmp_path)
    assert set(tmp_path.iterdir()) == others
    assert left not in others
    clear_unfinished(tmp_path / "none")


@pytest.mark.parametrize(("mode", "ours"), [(0o600, True), (0o644, True), (0o660, False), (0o602, False)])
def test_who_may_have_written(tmp_path, mode, ours):
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(mode)
    assert is_ours((tmp_path / "file").stat()) is ours


def test_one_at_a_time(tmp_path):
    for _ in range(2):
        with (
            alone(tmp_path / "lock", "busy"),
            pytest.raises(SupplyError, match="busy"),
            alone(tmp_path / "lock", "busy"),
        ):
            pytest.fail("two at once")
    with pytest.raises(ConfigError, match="cannot be written"), alone(tmp_path / "none/lock", "busy"):
        pytest.fail("without a lock")
