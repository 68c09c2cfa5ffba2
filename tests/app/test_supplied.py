from __future__ import annotations

import io
from pathlib import Path

import pytest

from revproxy.app.linking import kept_rules, linked_rules
from revproxy.app.prepare import prepare
from revproxy.app.supplied import feeds_used, missing, with_feeds
from revproxy.config import Feeds as FeedSettings
from revproxy.config import Inspection, nowhere
from revproxy.errors import ConfigError, ManyErrors
from revproxy.model import SupplyLimits
from revproxy.updates.feeds import Feeds, Source
from revproxy.updates.manifest import Kind
from revproxy.updates.pack import pack
from revproxy.updates.unpack import unpack


@pytest.fixture
def made(settings, signatures, tmp_path):
    """Settings whose signatures are those of the feed `ours`, and the feed with a set that is not in force yet."""
    feeds = Feeds(str(tmp_path / "feeds"))
    feed = feeds.new("ours")
    feed.add(Source("nowhere", "ours"), b"")
    data = pack({"a.yaml": Path(signatures).read_bytes()}, Kind.SIGNATURES, "ours", 1, "1")
    manifest = feed.sets.take(
        feed.folder / "incoming", unpack(io.BytesIO(data), feed.folder / "incoming", SupplyLimits())
    )
    changed = settings(inspection=Inspection(("feed:ours",)), feeds=FeedSettings(str(tmp_path / "feeds")))
    return changed, feed, manifest.content


def test_the_set_in_force(made):
    settings, feed, content = made
    assert feeds_used(settings) == ["ours"]
    with pytest.raises(ConfigError, match="no set in force"):
        with_feeds(settings, nowhere)
    feed.sets.enforce(content)
    assert with_feeds(settings, nowhere).inspection.signatures == (str(feed.sets.files(content)),)
    # Linked, and found as it was kept.
    for linked in (linked_rules(settings), linked_rules(settings)):
        assert [rule.id for rule in linked.rules.rules] == ["one"]
        assert linked.sets == {"ours": content}
    assert prepare(settings).sets == {"ours": content}
    # The link may lead elsewhere by now; what was asked for is one set.
    assert "current" not in with_feeds(settings, nowhere).inspection.signatures[0]


def test_a_set_that_is_not_in_force(made):
    settings, _, _ = made
    assert with_feeds(settings, nowhere, {"ours": "/tried"}).inspection.signatures == ("/tried",)


def test_what_was_changed_on_disk_is_not_used(made):
    settings, feed, content = made
    feed.sets.enforce(content)
    (feed.sets.files(content) / "b.yaml").write_text("signatures: []")
    with pytest.raises(ConfigError, match="changed on disk"):
        linked_rules(settings)


def test_a_folder_in_which_others_may_put_one_feed_in_the_place_of_another(made):
    settings, feed, content = made
    feed.sets.enforce(content)
    feed.folder.parent.chmod(0o777)
    with pytest.raises(ConfigError, match="other users may write it"):
        linked_rules(settings)


def test_feeds_that_are_not_there_and_those_of_another_kind(made, settings, tmp_path):
    _, feed, content = made
    where = FeedSettings(str(tmp_path / "feeds"))
    with pytest.raises(ConfigError, match="no feed 'crs'; added were: ours"):
        linked_rules(settings(inspection=Inspection((), rules=("feed:crs",)), feeds=where))
    feed.sets.enforce(content)
    with pytest.raises(ConfigError, match=r"has signatures\n.*belongs to inspection\.signatures"):
        linked_rules(settings(inspection=Inspection((), rules=("feed:ours",)), feeds=where))


def test_feeds_that_are_missing_are_named_with_what_brings_them(made, settings, tmp_path):
    _, feed, content = made
    words = Inspection(("feed:ours", "feed:house"), rules=("feed:crs",))
    both = settings(inspection=words, feeds=FeedSettings(str(tmp_path / "feeds")))
    ours, house = "`revproxy signatures update ours`", "`revproxy signatures add ADDRESS --root FILE --name house`"
    for linked in (with_feeds, linked_rules):
        with pytest.raises(ManyErrors, match="the feed 'ours' has no set in force") as caught:
            linked(both, nowhere)
        for said in (ours, "there is no feed 'house'", house, "there is no feed 'crs'", "add crs PLACE --key FILE"):
            assert said in str(caught.value)
    assert kept_rules(both) is None
    assert list(missing(both)) == ["ours", "house", "crs"]
    assert ours in missing(both)["ours"]
    feed.sets.enforce(content)
    assert list(missing(both, "house")) == ["crs"]
    assert missing(settings(inspection=Inspection(("feed:ours",)), feeds=both.feeds)) == {}


def test_what_brings_a_feed_that_cannot_be_used(made):
    settings, feed, content = made
    feed.sets.enforce(content)
    (feed.sets.files(content) / "b.yaml").write_text("signatures: []")
    assert "`revproxy signatures update ours`" in missing(settings)["ours"]
    feed.add(Source("crs.tar.gz"), b"")
    assert "add crs PLACE --key FILE" in missing(settings)["ours"]
    (feed.folder / "source.json").write_text("")
    assert "--name ours --again` adds it" in missing(settings)["ours"]
