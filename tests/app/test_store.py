"""Compiled databases between starts."""

from __future__ import annotations

from pathlib import Path

from revproxy.app.store import FolderStore


def test_a_folder_keeps(tmp_path: Path) -> None:
    store = FolderStore(str(tmp_path / "new" / "folder"))
    assert store.get("key") is None
    store.put("key", b"data")
    store.put("key", b"newer")
    assert FolderStore(str(tmp_path / "new" / "folder")).get("key") == b"newer"
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["key"]


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FolderStore(str(tmp_path / "file" / "below"))
    store.put("key", b"data")
    assert store.get("key") is None
