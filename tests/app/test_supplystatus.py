from __future__ import annotations

from dataclasses import replace

import pytest
from simulator import signature

from revproxy.app import running as running_front
from revproxy.app.order import Tried
from revproxy.app.supply import Supply
from revproxy.app.supplystatus import lines, status_of
from revproxy.config import Control, Feeds, Inspection
from revproxy.inspection.staging import Report
from revproxy.updates.feeds import Source
from revproxy.updates.staged import Staged, put_staged
from tests.app.answering import running


def test_no_feeds(settings, tmp_path):
    told = status_of(settings(feeds=Feeds(str(tmp_path / "feeds"))))
    assert told == {"every_seconds": 0.0, "feeds": [], "missing": {}, "history": [], "shadow": {}}
    assert list(lines(told, 5)) == ["looks for newer sets only when told to", "no feeds: revproxy signatures add"]


def test_a_feed_that_the_configuration_names_and_nobody_added(settings, tmp_path):
    made = settings(feeds=Feeds(str(tmp_path / "feeds")), inspection=Inspection(("feed:ours",)))
    (line,) = list(lines(status_of(made), 5))[1:]
    assert line.startswith("MISSING: the configuration names feed:ours, of which there is no set: `revproxy signat")


def test_a_staged_set_of_a_feed_that_is_pinned(settings, simulator, tmp_path):
    made = settings(feeds=Feeds(str(tmp_path / "feeds")), inspection=Inspection(("feed:ours",)))
    supply = Supply("revproxy.yaml", made, lambda *_: Tried(1, 2, ""))
    simulator.publish()
    supply.add("", Source(str(simulator.public), "ours"), simulator.root)
    put_staged(supply.feeds.find("ours"), STAGED)
    supply.pin("ours")
    assert "    waits, for the feed is pinned; `revproxy signatures pin ours --off` ends that" in lines(
        status_of(made), 0
    )


def test_a_history_of_other_things():
    told = {"every_seconds": 0.0, "feeds": [], "missing": {}, "history": [{"number": 1}]}
    assert list(lines(told, 5))[-1] == "? ?: ?: ?"


def test_a_feed(settings, simulator, tmp_path):
    made = settings(feeds=Feeds(str(tmp_path / "feeds"), 3600.0), inspection=Inspection(("feed:ours",)))
    supply = Supply("revproxy.yaml", made, lambda *_: Tried(1, 2, ""))
    simulator.publish()
    supply.add("", Source(str(simulator.public), "ours"), simulator.root)
    supply.add("mine", Source(str(simulator.public), "ours"), simulator.root)
    supply.pin("mine")
    told = status_of(made)
    one, other = told["feeds"][1], told["feeds"][0]
    assert (one["name"], one["used"], one["pinned"], one["current"]["number"]) == ("ours", True, False, 2)
    assert one["versions"]["timestamp"] == 2
    assert (other["used"], other["pinned"], other["previous"]) == (False, True, None)
    text = list(lines(told, 1))
    assert text[0] == "looks for newer sets every 3600 s"
    assert text[1] == f"mine (pinned, not used): {simulator.public} ours"
    assert any(line.startswith("  in force: ours 1 (number 2, ") for line in text)
    assert "  before it: nothing" in text
    assert text[-1].endswith("mine: pinned: by the operator")
    assert len([line for line in text if "by the operator" in line]) == 1
    (tmp_path / "feeds/mine/memory.json").write_text("")
    other, one = status_of(made)["feeds"]
    assert (other["name"], one["current"]["number"]) == ("mine", 2)
    assert "memory.json: cannot be read" in other["error"]
    assert any("memory.json: cannot be read" in line for line in lines(status_of(made), 1))


@pytest.fixture
def two_sets(settings, simulator, tmp_path):
    """Settings of a front end, and the hashes of its feed's first set and of that in force."""
    made = settings(
        feeds=Feeds(str(tmp_path / "feeds")),
        inspection=Inspection(("feed:ours",)),
        control=Control(str(tmp_path / "control")),
    )
    supply = Supply("revproxy.yaml", made, lambda *_: Tried(1, 2, ""))
    simulator.publish()
    supply.add("", Source(str(simulator.public), "ours"), simulator.root)
    simulator.publish(signature("two"))
    supply.update()
    sets = supply.feeds.find("ours").sets
    return made, sets.previous, sets.current


def told_by(answer, made, tmp_path):
    with running(tmp_path / "control", answer):
        return status_of(made)


def test_workers_that_have_another_set_than_the_disk(two_sets, tmp_path):
    """As after an update that was killed when the set was in force on disk, and the workers were not told yet."""
    made, before, current = two_sets

    def says(sets):
        generations = [{"sets": {"ours": "older still"}}, {"sets": sets}]
        return list(lines(told_by({"ok": True, "result": {"generations": generations}}, made, tmp_path), 1))

    loud = "  WORKERS HAVE ANOTHER ONE: {}; `revproxy reload` gives them the one in force"
    (line,) = [line for line in says({"ours": before}) if "WORKERS" in line]
    assert line.startswith(loud.partition("{}")[0] + "ours 1 (number 2, ")
    assert loud.format("aaaaaaaaaaaaaaaa, which is not on disk any more") in says({"ours": "a" * 64})
    for same in ({"ours": current}, {}):
        assert "WORKERS" not in "".join(says(same))


@pytest.mark.parametrize("answer", [None, {"ok": False, "error": "no"}, {"ok": True, "result": {"generations": []}}])
def test_a_front_end_that_does_not_say_what_it_has(two_sets, tmp_path, answer):
    made, _, _ = two_sets
    assert told_by(answer, made, tmp_path)["feeds"][0]["running"] is None
    assert status_of(made)["feeds"][0]["running"] is None


STAGED = Staged("abc", "x", 3, "ours 3 (number 4, abc)", "2026-11-22T12:00:00Z")
CHANGE = {"rule": "one", "field": "args", "route": "", "count": 7, "samples": []}
REPORT = Report(judged=10, new_denials=7, skipped=5, dropped=2).told() | {"changes": [CHANGE]}
LIVE = {"name": "ours:abc", "seconds": 9.0, "seconds_left": 1.5, "decision": "", "why": "of 10", "report": REPORT}


@pytest.mark.parametrize(
    ("staged", "shadow", "expected"),
    [
        (STAGED, {}, ["waits: it does not run in shadow now"]),
        (STAGED, LIVE | {"name": "ours:other"}, ["waits: it does not run in shadow now"]),
        (STAGED, LIVE, ["in shadow for 9 s, at most 1.5 s left: of 10", "new: one in args on no route, 7 times"]),
        (STAGED, LIVE | {"decision": "promote"}, ["in shadow for 9 s, promote: of 10"]),
        (
            replace(STAGED, held="it denies", report=REPORT),
            {},
            ["held: it denies", "5 not chosen", "`signatures promote"],
        ),
    ],
)
def test_a_staged_set(settings, simulator, tmp_path, monkeypatch, staged, shadow, expected):
    made = settings(feeds=Feeds(str(tmp_path / "feeds")), inspection=Inspection(("feed:ours",)))
    supply = Supply("revproxy.yaml", made, lambda *_: Tried(1, 2, ""))
    simulator.publish()
    supply.add("", Source(str(simulator.public), "ours"), simulator.root)
    put_staged(supply.feeds.find("ours"), staged)
    monkeypatch.setattr(running_front, "answered", lambda _path: True)
    answers = {"staging": shadow, "status": {"generations": []}}
    monkeypatch.setattr(running_front, "ask", lambda _path, verb, _seconds: {"ok": True, "result": answers[verb]})
    told = status_of(made)
    assert (told["shadow"], told["feeds"][0]["staged"]["content"]) == (shadow, "abc")
    text = "\n".join(lines(told, 1))
    assert "  staged: ours 3 (number 4, abc), since 2026-11-22T12:00:00Z" in text
    for line in expected:
        assert line in text
