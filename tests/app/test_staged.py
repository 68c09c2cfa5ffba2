"""Whose turn it is, prepared as if it were in force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulator import signature

from revproxy.app.linking import linked_rules
from revproxy.app.order import Tried
from revproxy.app.staged import staged_now
from revproxy.app.staging import StagedSupply
from revproxy.config import Feeds, Inspection, Staging
from revproxy.errors import ConfigError
from revproxy.updates.feeds import Source


@pytest.fixture
def made(simulator, settings, tmp_path):
    """Settings with a feed whose second set is staged, and the feed."""
    made = settings(feeds=Feeds(str(tmp_path / "feeds")), inspection=Inspection(("feed:ours",)))
    supply = StagedSupply("revproxy.yaml", made, lambda *_: Tried(1, 2, ""))
    simulator.publish()
    supply.add("", Source(str(simulator.public), "ours"), simulator.root)
    assert staged_now(made) is None
    simulator.publish(signature("two"))
    supply.update()
    return made, supply.feeds.find("ours")


def test_prepared_as_if_it_were_in_force(made):
    settings, feed = made
    staged = staged_now(settings)
    assert staged.name.startswith("ours:")
    prepared = staged.prepare()
    assert [rule.id for rule in prepared.rules.rules] == ["two"]
    assert [rule.id for rule in linked_rules(settings).rules.rules] == ["number-1"]
    feed.sets.enforce(staged.name.removeprefix("ours:"))
    assert linked_rules(settings).rules.name == prepared.ruleset_name


def test_linked_onto_what_is_in_force(made, tmp_path):
    """Where the set of another feed came into force since the trial, nobody has linked the two together."""
    settings, _ = made
    mine = tmp_path / "mine.yaml"
    more = (signature(f"mine-{n}").removeprefix("signatures:\n") for n in range(1, 6))
    mine.write_text(signature("mine-0") + "".join(more))
    both = replace(settings, inspection=Inspection((str(mine), "feed:ours")))
    assert not linked_rules(both).rules.patched
    prepared = staged_now(both).prepare()
    assert prepared.rules.patched
    assert "two" in [rule.id for rule in prepared.rules.rules]


def test_a_set_that_was_changed_on_disk(made):
    settings, feed = made
    staged = staged_now(settings)
    (feed.sets.files(staged.name.removeprefix("ours:")) / "a.yaml").write_text("# x")
    with pytest.raises(ConfigError, match="was changed on disk"):
        staged.prepare()


def test_switched_off_nothing_is(made):
    settings, _ = made
    off = replace(settings, feeds=replace(settings.feeds, staging=Staging(enabled=False)))
    assert staged_now(off) is None


def test_not_used_nothing_is(made):
    settings, _ = made
    assert staged_now(replace(settings, inspection=Inspection())) is None
