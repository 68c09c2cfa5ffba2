"""What is written down of a set that is not in force yet, and whose turn it is."""

from __future__ import annotations

import json

import pytest

from revproxy.errors import ConfigError, SupplyError
from revproxy.updates.feeds import Feeds, Source
from revproxy.updates.staged import Staged, drop_staged, put_staged, staged_of, under_way

ONE = Staged("abc", "def", 3, "ours 3", "2026-11-22T12:00:00Z", "1 rules", report={"judged": 1})


@pytest.fixture
def feeds(tmp_path):
    made = Feeds(str(tmp_path))
    for name in ("one", "two"):
        made.new(name).add(Source("/x", "ours"), b"{}")
    return made


def test_there_and_back(feeds):
    feed = feeds.find("one")
    assert staged_of(feed) is None
    put_staged(feed, ONE)
    assert staged_of(feed) == ONE
    drop_staged(feed)
    drop_staged(feed)
    assert staged_of(feed) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '"abc"', "[" * 100_000, json.dumps({"content": 1}), json.dumps({"content": "x", "more": 1})],
)
def test_what_was_not_written_there(feeds, text):
    feed = feeds.find("one")
    (feed.folder / "staged.json").write_text(text)
    with pytest.raises(ConfigError, match=r"staged\.json") as caught:
        staged_of(feed)
    assert "signatures reject one" in caught.value.hint


def test_a_disk_that_cannot_be_written(feeds):
    feed = feeds.find("one")
    (feed.folder / "staged.json").mkdir()
    for write in (lambda: put_staged(feed, ONE), lambda: drop_staged(feed)):
        with pytest.raises(SupplyError, match="cannot be written"):
            write()


def test_one_at_a_time_the_oldest_first(feeds):
    assert under_way(feeds, ["one", "two"]) is None
    for name, since in (("one", "2026-11-22T12:00:01Z"), ("two", "2026-11-22T12:00:00Z")):
        put_staged(feeds.find(name), Staged(name, "", 1, name, since))
    turn = under_way(feeds, ["one", "two"])
    assert turn is not None
    assert (turn[0].name, turn[1].content) == ("two", "two")
    assert under_way(feeds, ["one"])[1].content == "one"
    put_staged(feeds.find("two"), Staged("two", "", 1, "two", "2026-11-22T12:00:00Z", held="it denies"))
    assert under_way(feeds, ["one", "two"])[1].content == "one"
    feeds.find("one").remember(pinned=True)
    assert under_way(feeds, ["one", "two"]) is None
