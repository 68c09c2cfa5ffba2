from __future__ import annotations

from dataclasses import replace

import pytest

from revproxy.app import supplystatus
from revproxy.app.order import Tried
from revproxy.app.supply import Supply
from revproxy.app.supplystatus import lines, status_of
from revproxy.config import Feeds, Inspection
from revproxy.inspection.staging import Report
from revproxy.updates.feeds import Source
from revproxy.updates.staged import Staged, put_staged


def test_no_feeds(settings, tmp_path):
    told = status_of(settings(feeds=Feeds(str(tmp_path / "feeds"))))
    assert told == {"every_seconds": 0.0, "feeds": [], "history": [], "shadow": {}}
    assert list(lines(told, 5)) == ["looks for newer sets only when told to", "no feeds: revproxy signatures add"]


def test_a_history_of_other_things():
    told = {"every_seconds": 0.0, "feeds": [], "history": [{"number": 1}]}
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
    monkeypatch.setattr(supplystatus, "ask", lambda *_: {"ok": True, "result": shadow})
    told = status_of(made)
    assert (told["shadow"], told["feeds"][0]["staged"]["content"]) == (shadow, "abc")
    text = "\n".join(lines(told, 1))
    assert "  staged: ours 3 (number 4, abc), since 2026-11-22T12:00:00Z" in text
    for line in expected:
        assert line in text
