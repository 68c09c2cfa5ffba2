"""From an update to what runs in shadow, and from a decision to what is in force. The front end is the test's."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from simulator import signature

from revproxy.app import staging
from revproxy.app.order import Tried
from revproxy.app.staging import StagedSupply
from revproxy.app.supplystatus import lines, status_of
from revproxy.config import Control, Feeds, Inspection, Staging
from revproxy.errors import PeerClosed, SupplyError, UseError
from revproxy.inspection.staging import Report
from revproxy.updates.feeds import Source
from revproxy.updates.staged import staged_of


class Running:
    """A front end: it answers `swap` with a rule set, `stage` and `staging` with what it was told to say."""

    def __init__(self, path):
        self.asked, self.staging, self.swaps = [], {}, True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        with suppress(OSError):
            while True:
                with self._listener.accept()[0] as sock:
                    if line := sock.recv(4096):
                        sock.sendall(json.dumps(self._answer(json.loads(line)["do"])).encode() + b"\n")

    def _answer(self, verb):
        self.asked.append(verb)
        if verb == "swap":
            good = {"ok": True, "result": {"ruleset": "new"}}
            return good if self.swaps else {"ok": False, "error": "no memory"}
        return {"ok": True, "result": self.staging}

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


@pytest.fixture
def front(tmp_path):
    made = Running(tmp_path / "control")
    yield made
    made.close()


@pytest.fixture
def made(simulator, settings, tmp_path):
    """`made(...)`: a supply of a feed with one set in force."""
    simulator.publish()

    def make(at_once=False, used=True, try_set=lambda *_: Tried(1, 2, ""), **bounds):
        changed = settings(
            feeds=Feeds(str(tmp_path / "feeds"), staging=Staging(**bounds)),
            control=Control(str(tmp_path / "control")),
            inspection=Inspection(("feed:ours",) if used else ()),
        )
        supply = StagedSupply("revproxy.yaml", changed, try_set, at_once=at_once)
        if not supply.feeds.names():
            supply.add("", Source(str(simulator.public), "ours"), simulator.root)
        return supply

    return make


@pytest.fixture
def staged(made, simulator):
    """A supply with a second set that is staged, and its feed."""
    supply = made()
    simulator.publish(signature("two"))
    assert [one.word for one in supply.update()] == ["staged"]
    return supply, supply.feeds.find("ours")


def decided(feed, decision, report=None):
    content = staged_of(feed).content
    report = report or Report(judged=1000)
    said = {"decision": decision, "why": "of 1000", "staged": "new", "seconds_left": 0.0}
    return {"name": f"ours:{content}", "report": report.told(), **said}


def test_the_first_set_has_nothing_beside_it(made):
    assert made().feeds.history()[-1]["outcome"] == "in force"


def test_a_newer_one_is_staged(staged, front):
    supply, feed = staged
    found = staged_of(feed)
    assert feed.sets.current not in ("", found.content)
    assert (feed.sets.check(found.content).is_dir(), found.number, found.tried) == (True, 3, "1 rules, 2 samples")
    record = supply.feeds.history()[-1]
    assert (record["outcome"], record["current"]) == ("staged", feed.sets.current)
    assert "no front end runs" in record["text"]
    # Asked again, it still is; the front end that runs by now is told.
    front.staging = {"name": "ours:x", "staged": "new", "seconds_left": 60.0}
    for asked in (True, False):
        (outcome,) = supply.update(asked=asked)
        assert (outcome.word, "is staged; rule set new runs in shadow, for 60 s at most" in outcome.text) == (
            "unchanged",
            True,
        )
    assert front.asked == ["stage", "stage"]
    front.staging = {"name": "other:x"}
    assert "it waits for other" in supply.update()[0].text


@pytest.mark.parametrize("how", [{"at_once": True}, {"enabled": False}, {"used": False}])
def test_what_is_in_force_at_once(made, simulator, how):
    made()
    simulator.publish(signature("two"))
    supply = made(**how)
    assert [one.word for one in supply.update()] == ["in force"]
    assert staged_of(supply.feeds.find("ours")) is None


def test_an_urgent_one_that_is_staged_already(staged, made):
    _, feed = staged
    content = staged_of(feed).content
    (outcome,) = made(at_once=True).update()
    assert (outcome.word, "promoted: by the operator" in outcome.text) == ("in force", True)
    assert (feed.sets.current, staged_of(feed)) == (content, None)


def test_a_newer_one_takes_its_place(staged, simulator):
    supply, feed = staged
    first = staged_of(feed).content
    simulator.publish(signature("three"))
    assert [one.word for one in supply.update(asked=False)] == ["staged"]
    second = staged_of(feed).content
    assert second != first
    assert {path.name for path in (feed.folder / "sets").iterdir()} == {feed.sets.current, second}


def test_promoted(staged, front):
    supply, feed = staged
    content = staged_of(feed).content
    front.staging = decided(feed, "promote")
    outcome = supply.settle()
    assert (outcome.word, "promoted: of 1000; rule set new" in outcome.text) == ("in force", True)
    assert (feed.sets.current, staged_of(feed), feed.memory.number) == (content, None, 3)
    assert front.asked == ["staging", "swap"]
    assert [one.word for one in supply.update()] == ["unchanged"]
    assert supply.rollback("ours").word == "rolled back"


def test_a_front_end_that_cannot_swap(staged, front):
    supply, feed = staged
    before, found = feed.sets.current, staged_of(feed)
    front.staging, front.swaps = decided(feed, "promote"), False
    outcome = supply.settle()
    assert (outcome.word, "no memory" in outcome.text) == ("refused", True)
    # It is tried again later.
    assert (feed.sets.current, staged_of(feed), feed.memory.refused) == (before, found, "")


def test_held(staged, front, simulator):
    supply, feed = staged
    before = feed.sets.current
    change = {"rule": "two", "field": "args", "route": "all", "count": 12, "samples": [{"id": "1"}]}
    front.staging = decided(feed, "hold") | {"report": Report(judged=20).told() | {"changes": [change]}}
    outcome = supply.settle()
    assert (outcome.word, outcome.text.endswith("of 1000: two in args on all, 12 times")) == ("held", True)
    found = staged_of(feed)
    assert (feed.sets.current, found.held, found.report["changes"]) == (before, "of 1000", [change])
    assert front.asked == ["staging", "stage"]
    assert supply.feeds.history()[-1]["step"] == "staging"
    # Decided is decided, and it is not taken again by itself; nor by another process, later.
    assert supply.settle() is None
    (outcome,) = supply.update(asked=False)
    assert (outcome.word, "was refused before: held: of 1000" in outcome.text) == ("unchanged", True)
    assert feed.sets.current == before
    # Who asks for it gets it staged anew; a newer one comes by itself.
    assert [one.word for one in supply.update()] == ["staged"]
    assert staged_of(feed).held == ""
    front.staging = decided(feed, "hold")
    assert supply.settle().word == "held"
    simulator.publish(signature("three"))
    assert [one.word for one in supply.update(asked=False)] == ["staged"]


def test_the_operator_promotes_what_was_held(staged, front):
    supply, feed = staged
    front.staging = decided(feed, "hold")
    supply.settle()
    content = staged_of(feed).content
    assert supply.promote("ours").word == "in force"
    assert (feed.sets.current, staged_of(feed), feed.memory.refused) == (content, None, "")


@pytest.mark.parametrize("linked", [True, False])
def test_what_is_promoted_was_linked_with_what_is_in_force_by_then(staged, made, front, monkeypatch, linked):
    """Or it is tried again, within the bounds of that: another feed's set may have come into force meanwhile."""
    _, feed = staged
    before, found, tries = feed.sets.current, staged_of(feed), []

    def refuses(order, _seconds):
        tries.append(order.folder)
        raise SupplyError("configuration", "id `two` is taken")

    supply = made(try_set=refuses)
    monkeypatch.setattr(staging, "kept", lambda _settings, instead: object() if linked else None)
    outcome = supply.promote("ours")
    if linked:
        assert (outcome.word, tries) == ("in force", [])
    else:
        assert (outcome.word, "is taken" in outcome.text, len(tries)) == ("refused", True, 1)
        assert (feed.sets.current, staged_of(feed), front.asked) == (before, found, [])


def test_the_operator_rejects(staged, front):
    supply, feed = staged
    content = staged_of(feed).content
    assert supply.reject("ours").word == "rejected"
    assert staged_of(feed) is None
    assert not (feed.folder / "sets" / content).exists()
    assert front.asked == ["stage"]
    (outcome,) = supply.update(asked=False)
    assert (outcome.word, "the operator rejected it" in outcome.text) == ("unchanged", True)
    for word in (supply.promote, supply.reject):
        with pytest.raises(UseError, match="nothing of ours is staged"):
            word("ours")


def test_the_operator_rejects_what_is_broken(staged):
    supply, feed = staged
    (feed.folder / "staged.json").write_text("{}")
    assert supply.update()[0].word == "refused"
    assert supply.reject("ours").word == "rejected"
    assert [one.word for one in supply.update()] == ["staged"]


def test_what_was_staged_of_an_old_feed_is_forgotten(staged, simulator):
    supply, feed = staged
    old = staged_of(feed)
    simulator.publish(signature("three"))
    assert supply.add("", Source(str(simulator.public), "ours"), simulator.root, again=True).word == "staged"
    assert staged_of(feed).content != old.content
    feed.add(Source(str(simulator.public), "ours"), simulator.root)
    assert staged_of(feed) is None


def test_a_set_that_was_changed_on_disk_is_not_promoted(staged, front):
    supply, feed = staged
    found, before = staged_of(feed), feed.sets.current
    (feed.sets.files(found.content) / "a.yaml").write_text("# x")
    front.staging = decided(feed, "promote")
    outcome = supply.settle()
    assert (outcome.word, "was changed on disk" in outcome.text, feed.sets.current) == ("refused", True, before)


def test_pinned_it_waits(staged, front):
    supply, feed = staged
    found = staged_of(feed)
    supply.pin("ours")
    front.staging = decided(feed, "promote")
    assert supply.settle() is None
    assert staged_of(feed) == found
    assert front.asked == ["stage", "staging"]
    with pytest.raises(SupplyError, match=r"is to stay with the set in force; `revproxy signatures pin ours --off`"):
        supply.promote("ours")
    assert (staged_of(feed), feed.memory.pinned) == (found, True)
    supply.pin("ours", pinned=False)
    assert supply.promote("ours").word == "in force"


def test_pinned_it_can_be_rejected_and_gone_back_from(staged, front, simulator):
    supply, feed = staged
    supply.pin("ours")
    assert supply.reject("ours").word == "rejected"
    supply.pin("ours", pinned=False)
    simulator.publish(signature("three"))
    supply.update()
    supply.promote("ours")
    before = feed.sets.previous
    supply.pin("ours")
    assert supply.rollback("ours").word == "rolled back"
    assert (feed.sets.current, feed.memory.pinned) == (before, True)


def offered_before(outcome, why):
    return outcome.word == "passed over" and f"has contents that were offered before: {why}" in outcome.text


def test_contents_that_were_rejected_do_not_come_back_under_another_name(staged, made, simulator):
    """Publishers renew metadata by publishing the same set again: that is not the operator's word."""
    supply, feed = staged
    before, content = feed.sets.current, staged_of(feed).content
    supply.reject("ours")
    simulator.publish(signature("two"))
    (outcome,) = supply.update(asked=False)
    assert offered_before(outcome, "the operator rejected it; `revproxy signatures update ours --now` puts them in ")
    record = supply.feeds.history()[-1]
    assert (record["outcome"], record["text"]) == ("passed over", outcome.text)
    assert (feed.sets.current, staged_of(feed), (feed.folder / "sets" / content).exists()) == (before, None, False)
    # What vouches for it was believed and is remembered; it is not fetched again.
    assert (feed.memory.versions["ours"], feed.memory.offered) == (4, feed.memory.refused)
    assert [one.word for one in supply.update(asked=False)] == ["unchanged"]
    # Asking for what is newest does not take it back either; this does, and what is in force is wanted.
    (outcome,) = supply.update()
    assert offered_before(outcome, "the operator rejected it")
    (outcome,) = made(at_once=True).update()
    assert (outcome.word, feed.sets.current, feed.memory.unwanted) == ("in force", content, {})
    simulator.publish(signature("two"))
    assert [one.word for one in supply.update(asked=False)] == ["in force"]


def test_contents_that_were_rejected_come_back_behind_others(staged, simulator):
    supply, feed = staged
    supply.reject("ours")
    simulator.publish(signature("three"))
    assert [one.word for one in supply.update(asked=False)] == ["staged"]
    found = staged_of(feed)
    simulator.publish(signature("two"))
    assert offered_before(*supply.update(asked=False), "the operator rejected it")
    assert staged_of(feed) == found
    assert feed.sets.check(found.content).is_dir()


def test_contents_that_were_held_stay_held_under_another_name(staged, front, simulator):
    supply, feed = staged
    front.staging = decided(feed, "hold")
    supply.settle()
    found = staged_of(feed)
    simulator.publish(signature("two"))
    (outcome,) = supply.update(asked=False)
    assert offered_before(
        outcome, "held: of 1000; `revproxy signatures promote ours` puts them in force all the same"
    )
    renewed = staged_of(feed)
    assert (renewed.content, renewed.held, renewed.report) == (found.content, found.held, found.report)
    assert (renewed.number, renewed.archive) == (4, feed.memory.offered)
    assert [one.word for one in supply.update(asked=False)] == ["unchanged"]
    # Who asks gets it staged anew, and it waits then, whatever it is called.
    assert [one.word for one in supply.update()] == ["staged"]
    simulator.publish(signature("two"))
    since = staged_of(feed).since
    assert [one.word for one in supply.update(asked=False)] == ["staged"]
    assert (staged_of(feed).held, staged_of(feed).since, staged_of(feed).number) == ("", since, 5)
    assert supply.promote("ours").word == "in force"
    assert feed.memory.number == 5


def test_contents_that_were_gone_back_from_do_not_come_back_under_another_name(staged, simulator):
    supply, feed = staged
    before = feed.sets.current
    supply.promote("ours")
    supply.rollback("ours")
    simulator.publish(signature("two"))
    (outcome,) = supply.update(asked=False)
    assert offered_before(outcome, "the operator went back from it; `revproxy signatures update ours` takes them")
    assert feed.sets.current == before
    assert [one.word for one in supply.update()] == ["staged"]


def test_contents_that_are_not_wanted_are_no_reason_to_have_none(staged, simulator):
    supply, feed = staged
    supply.reject("ours")
    (feed.folder / "current").unlink()
    simulator.publish(signature("two"))
    (outcome,) = supply.update(asked=False)
    assert (outcome.word, "there is no set in force" in outcome.text) == ("refused", True)


@pytest.mark.parametrize("how", ["held", "rejected"])
def test_what_was_not_wanted_is_not_taken_by_itself_after_going_back(staged, front, simulator, how):
    supply, feed = staged
    supply.promote("ours")
    simulator.publish(signature("three"))
    supply.update()
    front.staging = decided(feed, "hold")
    assert (supply.settle() if how == "held" else supply.reject("ours")).word == how
    left = staged_of(feed)
    assert supply.rollback("ours").word == "rolled back"
    (outcome,) = supply.update(asked=False)
    assert (outcome.word, how in outcome.text, staged_of(feed)) == ("unchanged", True, left)


def test_what_was_refused_is_history_once_something_newer_is_staged(made, simulator):
    supply = made()

    def refuses(*_):
        raise SupplyError("samples", "1 failed")

    simulator.publish(signature("two"))
    bad = made(try_set=refuses)
    assert bad.update()[0].word == "refused"
    settings = supply._settings
    assert "samples: 1 failed" in status_of(settings)["feeds"][0]["refused"]
    simulator.publish(signature("three"))
    assert [one.word for one in supply.update()] == ["staged"]
    text = list(lines(status_of(settings), 5))
    assert not [line for line in text if line.startswith("  refused")]
    assert [line for line in text if "ours: refused: samples: 1 failed" in line]
    # What is refused now is told, whether it was staged before or not.
    supply.reject("ours")
    assert "  refused: the operator rejected it" in lines(status_of(settings), 0)


@pytest.mark.parametrize(
    "told", [{}, {"decision": "", "name": "ours:x"}, {"decision": "promote", "name": "ours:other"}]
)
def test_what_was_decided_on_nothing_that_is_staged(staged, front, told):
    supply, feed = staged
    before = feed.sets.current, staged_of(feed)
    front.staging = told
    assert supply.settle() is None
    assert (feed.sets.current, staged_of(feed)) == before


def test_nobody_decides_where_nothing_runs(staged):
    assert staged[0].settle() is None


@contextmanager
def deaf(monkeypatch):
    def ask(*_):
        raise PeerClosed("closed without an answer")

    with monkeypatch.context() as patch:
        patch.setattr(staging, "ask", ask)
        yield


def test_a_front_end_that_does_not_answer(staged, front, monkeypatch, made):
    supply, _ = staged
    with deaf(monkeypatch):
        with pytest.raises(SupplyError, match="closed without"):
            supply.settle()
        assert "does not say whether it runs in shadow" in supply.update()[0].text
    assert "it does not run in shadow now" in supply.update()[0].text
