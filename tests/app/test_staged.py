"""Whose turn it is, prepared as if it were in force."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest
from simulator import signature

from revproxy.app import rules, staged
from revproxy.app.linking import linked_rules
from revproxy.app.order import Tried
from revproxy.app.staged import staged_now
from revproxy.app.staging import StagedSupply
from revproxy.config import Feeds, Inspection, Staging
from revproxy.errors import ConfigError, SupplyError
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
    found = staged_now(settings)
    assert found.name.startswith("ours:")
    prepared = found.prepare()
    assert [rule.id for rule in prepared.rules.rules] == ["two"]
    assert [rule.id for rule in linked_rules(settings).rules.rules] == ["number-1"]
    feed.sets.enforce(found.name.removeprefix("ours:"))
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


def test_nothing_is_linked_in_this_process(made, monkeypatch):
    settings, _ = made
    monkeypatch.setattr(rules, "read_all", None)
    monkeypatch.setattr(rules, "linked", None)
    assert [rule.id for rule in staged_now(settings).prepare().rules.rules] == ["two"]


def test_it_is_linked_within_bounds(made):
    settings, _ = made
    few = replace(settings.limits, supply=replace(settings.limits.supply, trial_memory_bytes=60 * 2**20))
    with pytest.raises(SupplyError, match=r"more memory than limits\.supply\.trial_memory_bytes"):
        staged_now(replace(settings, limits=few)).prepare()


def test_where_there_is_no_cache_it_is_linked_all_the_same(made, tmp_path):
    settings, _ = made
    (tmp_path / "others").mkdir()
    (tmp_path / "others").chmod(0o777)
    prepared = staged_now(replace(settings, cache=str(tmp_path / "others"))).prepare()
    assert [rule.id for rule in prepared.rules.rules] == ["two"]
    assert prepared.pieces


def test_files_that_change_all_the_time(made, monkeypatch):
    settings, _ = made
    monkeypatch.setattr(staged, "joined", lambda *_: None)
    with pytest.raises(SupplyError, match="was not kept"):
        staged_now(settings).prepare()


def test_a_set_that_was_changed_on_disk(made):
    settings, feed = made
    found = staged_now(settings)
    (feed.sets.files(found.name.removeprefix("ours:")) / "a.yaml").write_text("# x")
    with pytest.raises(ConfigError, match="was changed on disk"):
        found.prepare()


def test_where_nothing_can_be_started(made, monkeypatch):
    settings, _ = made

    def joined(*_):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(staged, "joined", joined)
    with pytest.raises(SupplyError, match="disk: no process could be started"):
        staged_now(settings).prepare()


def test_switched_off_nothing_is(made):
    settings, _ = made
    off = replace(settings, feeds=replace(settings.feeds, staging=Staging(enabled=False)))
    assert staged_now(off) is None


def test_not_used_nothing_is(made):
    settings, _ = made
    assert staged_now(replace(settings, inspection=Inspection())) is None
