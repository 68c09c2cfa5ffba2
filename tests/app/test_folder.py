"""What others could have written is not read, and what is kept has a bound."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from revproxy.app import folder as module
from revproxy.app.folder import Folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "below" / "cache"


def test_what_is_written_is_read(place: Path) -> None:
    folder = Folder(str(place))
    assert folder.read("a") is None
    assert folder.names("") == []
    folder.write("a", b"1")
    folder.write("a", b"2")
    assert folder.read("a") == b"2"
    assert [path.name for path in place.iterdir()] == ["a"]
    assert (place.stat().st_mode & 0o777, (place / "a").stat().st_mode & 0o777) == (0o700, 0o600)


def test_names_begin_with_what_was_used_last(place: Path) -> None:
    folder = Folder(str(place))
    for name in ("x-1", "x-2", "y-3"):
        folder.write(name, b"")
        os.utime(place / name, (100, 100))
    assert folder.read("x-1") == b""
    assert folder.names("x-") == ["x-1", "x-2"]
    assert (place / "x-1").stat().st_mtime == 100


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_is_not_used(place: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    Folder(str(place)).write("a", b"1")
    place.chmod(mode)
    folder = Folder(str(place))
    with caplog.at_level(logging.WARNING):
        assert folder.read("a") is None
        assert folder.names("") == []
        folder.write("b", b"2")
    assert sorted(os.listdir(place)) == ["a"]
    assert [record.message for record in caplog.records] == [
        f"{place}: not used, for other users may write {place}",
    ]


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_may_write_is_not_read(place: Path, mode: int) -> None:
    folder = Folder(str(place))
    folder.write("a", b"1")
    (place / "a").chmod(mode)
    assert folder.read("a") is None
    folder.write("a", b"2")
    assert folder.read("a") == b"2"


def test_what_belongs_to_another_user_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(str(place))
    folder.write("a", b"1")
    real = os.fstat
    monkeypatch.setattr(
        module.os, "fstat", lambda descriptor: os.stat_result((*real(descriptor)[:4], 4711, *real(descriptor)[5:]))
    )
    assert folder.read("a") is None


def test_links_and_what_is_no_file_are_not_read(place: Path, tmp_path: Path) -> None:
    folder = Folder(str(place))
    folder.write("a", b"1")
    (tmp_path / "elsewhere").write_bytes(b"1")
    (place / "link").symlink_to(tmp_path / "elsewhere")
    (place / "folder").mkdir()
    os.mkfifo(place / "fifo")
    assert [folder.read(name) for name in ("link", "folder", "fifo", "none")] == [None] * 4
    assert folder.names("") == ["a"]


def test_a_file_that_is_too_large_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(str(place))
    folder.write("a", b"12345")
    monkeypatch.setattr(module, "MOST_FILE", 4)
    assert folder.read("a") is None


def test_a_folder_that_cannot_be_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = Folder(str(tmp_path / "file" / "below"))
    folder.write("a", b"1")
    assert folder.read("a") is None


def test_what_was_not_used_for_longest_goes_first(place: Path) -> None:
    folder = Folder(str(place), most_bytes=30)
    for at, name in enumerate("abc"):
        folder.write(name, b"x" * 10)
        os.utime(place / name, (at, at))
    assert folder.read("a") is not None
    folder.write("d", b"x" * 10)
    assert sorted(os.listdir(place)) == ["a", "c", "d"]
    folder.write("e", b"x" * 40)
    assert os.listdir(place) == ["e"]


def test_what_was_never_finished_is_removed(place: Path) -> None:
    folder = Folder(str(place))
    folder.write("a", b"1")
    for name, age in ((".old", 100), (".young", 2**33)):
        (place / name).write_bytes(b"")
        os.utime(place / name, (age, age))
    folder.write("b", b"1")
    assert sorted(os.listdir(place)) == [".young", "a", "b"]


def test_a_disk_that_is_full_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(str(place))
    folder.write("a", b"1")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    folder.write("b", b"1")
    assert os.listdir(place) == ["a"]
