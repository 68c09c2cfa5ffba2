from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from revproxy.errors import BusyError, ConfigError, SupplyError, UseError
from revproxy.updates.feeds import Feeds, Memory, Source

SOURCE = Source("https://feed.example", "ours", "/etc/ca.pem")


@pytest.fixture
def feeds(tmp_path):
    return Feeds(str(tmp_path / "feeds"))


def test_what_an_operator_adds_is_found_again(feeds):
    assert feeds.names() == []
    feeds.new("ours").add(SOURCE, b"root")
    found = feeds.find("ours")
    assert (found.name, found.source, found.root, found.memory) == ("ours", SOURCE, b"root", Memory())
    assert feeds.names() == ["ours"]


def test_what_is_remembered_is_forgotten_when_it_is_added_anew(feeds):
    feed = feeds.new("ours")
    feed.add(SOURCE, b"root")
    feed.remember(number=3, versions={"root": 2})
    feed.remember(pinned=True)
    (feed.folder / "trust").mkdir()
    assert feeds.find("ours").memory == Memory({"root": 2}, 3, pinned=True)
    feed.add(SOURCE, b"other")
    assert feed.memory == Memory()
    assert not (feed.folder / "trust").exists()


def test_contents_that_are_not_wanted(feeds, monkeypatch):
    monkeypatch.setattr("revproxy.updates.feeds._MOST_UNWANTED", 2)
    feed = feeds.new("ours")
    feed.add(SOURCE, b"root")
    for content in "cabc":
        feed.remember(unwanted=feed.memory.unwanting(content, f"why {content}").unwanted)
    # The oldest went, and one that is said once more is the newest.
    assert dict(feeds.find("ours").memory.unwanted) == {"b": "why b", "c": "why c"}
    assert feed.memory.wanting("b").wanting("z").unwanted == {"c": "why c"}


@pytest.mark.parametrize("text", ["{}", '{"url": 5}', '{"url": "x", "other": 1}', "[" * 100_000, "", '{"role": "x"}'])
def test_a_broken_source(feeds, text):
    feed = feeds.new("ours")
    feed.add(SOURCE, b"root")
    (feed.folder / "source.json").write_text(text)
    with pytest.raises(ConfigError, match="--again"):
        _ = feed.source


@pytest.mark.parametrize(
    "text",
    ['{"number": "x"}', '{"versions": {"root": "x"}}', '{"versions": 1}', '{"unwanted": {"a": 1}}', '{"x": 1}'],
)
def test_a_memory_of_other_things(feeds, text):
    feed = feeds.new("ours")
    feed.add(SOURCE, b"root")
    (feed.folder / "memory.json").write_text(text)
    with pytest.raises(ConfigError, match="is not what was written"):
        _ = feed.memory


def test_lines_that_were_cut(feeds):
    with feeds.locked():
        feeds.note({"number": 1})
        path = feeds.folder / "history.jsonl"
        path.write_bytes(path.read_bytes() + b'[1]\n\xff\n{"number": ')
        feeds.note({"number": 2})
    assert feeds.history() == [{"number": 1}, {"number": 2}]


def test_what_this_user_may_not_read(feeds, monkeypatch):
    feeds.new("ours").add(SOURCE, b"root")
    feeds.note({"number": 1})

    def denied(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", denied)
    monkeypatch.setattr(Path, "read_text", denied)
    for look in (feeds.names, feeds.history):
        with pytest.raises(ConfigError, match="Permission denied"):
            look()


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff"])
def test_a_broken_memory_is_not_taken_for_none(feeds, text):
    feed = feeds.new("ours")
    feed.add(SOURCE, b"root")
    (feed.folder / "memory.json").write_text(text, "latin-1")
    with pytest.raises(ConfigError, match=r"cannot be read|no JSON object"):
        _ = feed.memory


def test_names(feeds):
    feeds.new("ours").add(SOURCE, b"root")
    with pytest.raises(UseError, match="no feed 'crs'; added were: ours"):
        feeds.find("crs")
    for name in ("../x", "", "A"):
        with pytest.raises(UseError, match="is no name"):
            feeds.new(name)
    with pytest.raises(UseError, match="is the name of a file"):
        feeds.new("lock")


def test_one_at_a_time(feeds, tmp_path):
    with feeds.locked(), pytest.raises(BusyError, match="another update"), Feeds(str(tmp_path / "feeds")).locked():
        pass
    with feeds.locked():
        pass


def test_a_folder_that_others_may_write(feeds):
    feeds.new("ours").add(SOURCE, b"")
    feeds.folder.chmod(0o777)
    with pytest.raises(SupplyError, match="other users may write it"), feeds.locked():
        pass


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    feeds = Feeds(str(tmp_path / "file"))
    for change in (
        lambda: feeds.locked().__enter__(),
        lambda: feeds.new("ours").add(SOURCE, b""),
        lambda: feeds.note({}),
    ):
        with pytest.raises(SupplyError, match="cannot be written"):
            change()


def test_history(feeds, tmp_path):
    assert feeds.history() == []
    with feeds.locked():
        for number in range(3):
            feeds.note({"number": number})
    assert [record["number"] for record in feeds.history()] == [0, 1, 2]
    path = tmp_path / "feeds/history.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text((json.dumps({"number": "x" * 1000}) + "\n") * 1100)
    feeds.note({"number": 3})
    assert feeds.history() == [{"number": 3}]
    assert path.with_suffix(".old.jsonl").stat().st_size > 10**6


def test_what_fails_while_it_is_locked_is_not_taken_for_another_update(tmp_path):
    feeds = Feeds(str(tmp_path / "feeds"))
    with pytest.raises(BlockingIOError), feeds.locked():
        raise BlockingIOError
    with feeds.locked():
        pass
