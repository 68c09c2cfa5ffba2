"""What the operator's verbs do, and the front end that is told. Attacks are `tests/updates/test_updates.py`'s."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
from simulator import signature

from revproxy.app.order import Tried
from revproxy.app.supply import Outcome, Supply
from revproxy.config import Control, Feeds, Inspection
from revproxy.errors import SupplyError, UseError
from revproxy.updates.feeds import Source
from tests.app.answering import running


def passes(order, seconds):
    return Tried(1, 2, "")


@pytest.fixture
def made(simulator, settings, tmp_path):
    """`made()`: a supply for the simulator's feed, and where that is."""
    simulator.publish()

    def make(try_set=passes, used=("feed:ours",)):
        changed = settings(
            feeds=Feeds(str(tmp_path / "feeds")),
            control=Control(str(tmp_path / "control")),
            inspection=Inspection(used),
        )
        return Supply("revproxy.yaml", changed, try_set)

    return make


def ours(simulator):
    return Source(str(simulator.public), "ours")


def test_adding(made, simulator):
    supply = made()
    outcome = supply.add("house", ours(simulator), simulator.root)
    assert str(outcome).startswith("house: in force: ours 1 (number 2, ")
    (record,) = supply.feeds.history()
    assert (record["before"], record["current"]) == ("", supply.feeds.find("house").sets.current)
    assert "1 rules, 2 samples" in outcome.text
    with pytest.raises(UseError, match="a feed 'house' already; --again"):
        supply.add("house", ours(simulator), simulator.root)
    assert supply.add("house", ours(simulator), simulator.root, again=True).word == "in force"
    assert supply.feeds.names() == ["house"]


@pytest.mark.parametrize(
    ("place", "ca"), [("https://bob:hunter2@feed.example", ""), ("https://x.example", "gone.pem")]
)
def test_what_no_feed_can_be_at(made, simulator, place, ca):
    supply = made()
    with pytest.raises(UseError) as caught:
        supply.add("", Source(place, "ours", ca), simulator.root)
    assert "hunter2" not in str(caught.value)
    assert not supply.feeds.folder.exists()


def test_a_folder_may_be_called_as_it_likes(made, simulator, tmp_path):
    odd = tmp_path / "a ?#\u00e4"
    simulator.public.rename(odd)
    assert made().add("", Source(str(odd), "ours"), simulator.root).word == "in force"


def test_asking_where_no_feeds_are_makes_nothing(made):
    supply = made()
    assert supply.update() == []
    for ask_for in (supply.rollback, supply.pin, lambda name: supply.update([name])):
        with pytest.raises(UseError, match="no feed 'ours'; added were: none"):
            ask_for("ours")
    assert not supply.feeds.folder.exists()


def test_which_role(made, simulator):
    supply = made()
    for role in ("", "mine"):
        with pytest.raises(SupplyError, match=r"which role \(--role\)\? This feed has: crs, ours"):
            supply.add("", Source(str(simulator.public), role), simulator.root)
    assert supply.feeds.names() == []
    assert supply.add("", ours(simulator), simulator.root).feed == "ours"


def test_a_feed_that_cannot_be_believed_is_not_added(made, simulator):
    supply = made()
    with pytest.raises(SupplyError, match="no sound metadata"):
        supply.add("", ours(simulator), b"{}")
    assert supply.feeds.names() == []


def test_what_is_not_used(made, simulator):
    outcome = made(used=()).add("", ours(simulator), simulator.root)
    assert "not used yet: inspection.signatures does not name feed:ours" in outcome.text


GOOD = {"ok": True, "result": {"generation": 1, "ruleset": "abc", "swapped": True}}


def test_the_front_end_that_runs_is_told(made, simulator, tmp_path):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    simulator.publish(signature("two"))
    with running(tmp_path / "control", GOOD) as asked:
        assert supply.update()[0].text.endswith("rule set abc")
    assert asked == ["swap"]


def test_a_front_end_that_was_started_before_the_configuration_named_the_feed(made, simulator, tmp_path):
    """It would refuse the swap, and a reload the configuration without a set: one of them has to go first."""
    supply = made()
    runs = {"ok": True, "result": {"generations": [{"sets": {}}]}}
    with running(tmp_path / "control", runs) as asked:
        outcome = supply.add("", ours(simulator), simulator.root)
    assert (outcome.word, asked) == ("in force", ["status"])
    assert outcome.text.endswith("the front end that runs does not use it yet: `revproxy reload`")


def test_a_front_end_whose_set_was_lost_on_disk_is_told(made, simulator, tmp_path):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    feed = supply.feeds.find("ours")
    answers = {"status": {"ok": True, "result": {"generations": [{"sets": {"ours": "x"}}]}}, "swap": GOOD}
    lose_link(feed)
    with running(tmp_path / "control", lambda: answers[asked[-1]]) as asked:
        assert supply.update()[0].text.endswith("rule set abc")
    assert asked == ["status", "swap"]


def test_two_feeds_one_after_the_other(made, simulator):
    supply = made(used=("feed:ours", "feed:house"))
    outcome = supply.add("", ours(simulator), simulator.root)
    assert outcome.word == "in force"
    assert "it is used from the next start on; before that feed:house needs a set too: " in outcome.text
    assert "signatures add ADDRESS --root FILE --name house" in outcome.text
    outcome = supply.add("house", ours(simulator), simulator.root)
    assert outcome.text.endswith("it is used from the next start on")


@pytest.mark.parametrize("answer", [{"ok": False, "error": "no memory"}, None])
def test_a_front_end_that_cannot_is_left_as_it_is(made, simulator, tmp_path, answer):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    sets = supply.feeds.find("ours").sets
    before = sets.current
    simulator.publish(signature("two"))
    with running(tmp_path / "control", answer):
        (outcome,) = supply.update()
    assert (outcome.word, outcome.good) == ("refused", False)
    assert "swap: no memory" in outcome.text or "closed without an answer" in outcome.text
    assert (sets.current, sets.previous) == (before, "")
    assert supply.feeds.history()[-1]["step"] == "swap"
    # It was not the set's fault.
    assert [one.word for one in supply.update(asked=False)] == ["in force"]


def test_an_update_that_is_ended_is_undone(made, simulator, tmp_path):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    feed = supply.feeds.find("ours")
    before = feed.sets.current
    simulator.publish(signature("two"))

    def ended():
        """At the swap, and only at the first one."""
        if asked[-1] == "swap" and asked.count("swap") == 1:
            assert feed.sets.current != before
            os.kill(os.getpid(), signal.SIGTERM)
        return {"ok": False, "error": "it is late"}

    with running(tmp_path / "control", ended) as asked, pytest.raises(SystemExit):
        supply.update()
    assert (feed.sets.current, feed.sets.previous) == (before, "")
    # The front end may have begun; it looks again.
    assert asked == ["swap", "swap"]
    record = supply.feeds.history()[-1]
    assert (record["outcome"], record["text"]) == ("refused", "it was ended before it was done")
    assert [one.word for one in supply.update(asked=False)] == ["in force"]


def test_a_feed_whose_first_set_is_refused(made, simulator):
    def refuses(order, seconds):
        raise SupplyError("samples", "1 failed")

    outcome = made(refuses).add("", ours(simulator), simulator.root)
    assert outcome.word == "refused"
    assert "the feed is added, without a set; `signatures update ours`" in outcome.text
    assert "--again" in outcome.text


def test_nothing_to_go_back_to(made, simulator):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    with pytest.raises(SupplyError, match="no set before"):
        supply.rollback("ours")


def test_going_back_twice_does_not_go_forth(made, simulator):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    sets = supply.feeds.find("ours").sets
    first = sets.current
    simulator.publish(signature("two"))
    supply.update()
    supply.rollback("ours")
    with pytest.raises(SupplyError, match="no set before"):
        supply.rollback("ours")
    assert (sets.current, sets.previous) == (first, "")


def test_a_set_before_that_was_damaged(made, simulator):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    simulator.publish(signature("two"))
    supply.update()
    sets = supply.feeds.find("ours").sets
    (sets.files(sets.previous) / "a.yaml").write_text("# x")
    with pytest.raises(SupplyError, match="cannot be used: this set was changed"):
        supply.rollback("ours")


def damage_file(feed):
    (feed.sets.files(feed.sets.current) / "a.yaml").write_text("# x")


def damage_manifest(feed):
    (feed.folder / "sets" / feed.sets.current / "manifest.json").write_text("")


def open_file(feed):
    (feed.sets.files(feed.sets.current) / "a.yaml").chmod(0o666)


def lose_link(feed):
    (feed.folder / "current").unlink()


def bend_link(feed):
    lose_link(feed)
    (feed.folder / "current").symlink_to("sets/nowhere")


@pytest.mark.parametrize("damage", [damage_file, damage_manifest, open_file, lose_link, bend_link])
def test_a_set_that_cannot_be_used_is_fetched_anew(made, simulator, damage):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    feed = supply.feeds.find("ours")
    damage(feed)
    supply.pin("ours")
    assert [one.word for one in supply.update()] == ["refused"]
    supply.pin("ours", False)
    assert [one.word for one in supply.update(asked=False)] == ["in force"]
    feed.sets.whole()
    assert [one.word for one in supply.update()] == ["unchanged"]


def test_a_feed_that_others_may_write_is_refused(made, simulator):
    supply = made()
    supply.add("", ours(simulator), simulator.root)
    supply.feeds.find("ours").folder.chmod(0o777)
    (outcome,) = supply.update()
    assert outcome.word == "refused"
    assert "other users may write it" in outcome.text
    assert "chmod go-w" in outcome.text


def test_one_that_fails_does_not_stop_the_others(made, simulator):
    simulator.publish(role="crs")

    def picky(order, seconds):
        if order.feed == "crs":
            raise SupplyError("samples", "1 failed")
        return passes(order, seconds)

    supply = made(picky)
    assert supply.add("", replace(ours(simulator), role="crs"), simulator.root).word == "refused"
    supply.add("", ours(simulator), simulator.root)
    simulator.publish()
    assert [one.word for one in supply.update()] == ["refused", "in force"]
    assert [one.word for one in supply.update(asked=False)] == ["unchanged", "unchanged"]
    with pytest.raises(SupplyError, match="no feed 'mine'"):
        supply.update(["mine"])


def test_outcomes():
    assert str(Outcome("a", "refused", "why")) == "a: refused: why"
    assert Outcome("a", "in force", "").good
