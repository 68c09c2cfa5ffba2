"""A new set runs in shadow before it comes into force, under load from locust.

Two workers, the users of `tests.load`, who know what must become of what they send. Meanwhile a set is published that
denies what ordinary people write, and then a good one. Nobody but the front end decides which comes into force.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from feeds import Publisher, begun, rulesets
from servers import Nginx, Sink, curl, in_background, until

from tests.load.__main__ import ATTACK_PATH, Servers, locust

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

STAGING = {"least": "5s", "transactions": 300, "new_denials": 5, "new_denials_share": "0.1%", "load": "50%"}
ORDINARY = "garden chair"
"""What users of the load search for, now and then."""


@pytest.fixture(scope="module")
def servers(need, folder, started):
    need("nginx", "smtp-sink")
    if not importlib.util.find_spec("locust"):
        pytest.skip("needs locust")
    nginx, sink = Nginx(folder / "nginx"), Sink(folder / "sink", dump=True)
    started += [nginx, sink]
    publisher = Publisher(folder)
    publisher.publish(1)
    front = begun(folder / "front", publisher, nginx.port, sink.port, staging=STAGING)
    started.append(front)
    return SimpleNamespace(publisher=publisher, servers=Servers(nginx, sink, front), front=front)


def history(front):
    return [json.loads(line) for line in (front.folder / "feeds/history.jsonl").read_text().splitlines()]


def outcome(front, word, after=0):
    """The first record with that word, behind so many of them."""
    return until(lambda: [one for one in history(front) if one["outcome"] == word][after:], word, 120)[0]


def run(*words):
    """A set is tried on the way, beside all that the load takes."""
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=240, check=False)


def update(front):
    return run("-m", "revproxy", "signatures", "update", "-c", str(front.file))


def timer(front):
    """What the timer does."""
    return run("-m", "revproxy.app.update", str(front.file))


def status_of(front):
    return json.loads(front.tell("signatures", "status", "--json").stdout)


@pytest.fixture(scope="module")
def load(servers, folder):
    """All of it, once."""
    front, publisher, report = servers.front, servers.publisher, folder / "report.json"
    stop, made = threading.Event(), SimpleNamespace(first=rulesets(front))
    options = ["--headless", "-u", "20", "-r", "20", "--stop-timeout", "30", "--only-summary"]

    def users():
        """Until the sets are settled: each run is short, and all are counted."""
        made.rows, made.said = [], []
        while not stop.is_set():
            locust(servers.servers, report, *options, "-t", "5s", log=folder / "locust.log")
            told = json.loads(report.read_text())
            made.rows += told["rows"]
            made.said += told["said"]

    with ExitStack() as stack:
        stack.enter_context(in_background(users))
        stack.callback(stop.set)
        publisher.publish(2, attack=ORDINARY)
        made.bad = update(front)
        assert made.bad.returncode == 0, made.bad.stderr
        made.held = outcome(front, "held")
        made.after_bad, made.ordinary = rulesets(front), curl(f"{front.url}/shop?q=garden+chair")[0]
        made.offered_again = timer(front)
        made.held_status = status_of(front)
        publisher.publish(3)
        made.good = update(front)
        assert made.good.returncode == 0, made.good.stderr
        made.before, made.shadow = curl(f"{front.url}/shop?q=e2e-attack-3")[0], status_of(front)["shadow"]
        made.promoted = outcome(front, "in force", after=1)
        made.after = curl(f"{front.url}/shop?q=e2e-attack-3")[0]
        made.last = rulesets(front)
    return made


def test_a_set_that_denies_ordinary_traffic_is_held(load):
    assert "ours: staged: " in load.bad.stdout
    assert load.held["step"] == "staging"
    assert "would newly deny" in load.held["text"]
    assert "e2e-2 in args on " in load.held["text"]
    assert (load.after_bad, load.ordinary) == (load.first, 200)


def test_the_record_says_why(load, servers):
    (feed,) = load.held_status["feeds"]
    assert feed["staged"]["held"] in load.held["text"]
    changes = feed["staged"]["report"]["changes"]
    assert {change["rule"] for change in changes} == {"e2e-2"}
    # Of a long comment an excerpt has the beginning only.
    assert any(ORDINARY in sample["excerpt"] for change in changes for sample in change["samples"])
    records = [record for record in servers.front.records("audit.log") if record["type"] == "staged"]
    found = [one for one in records if "e2e-2" in [finding["rule"] for finding in one["staged"]["findings"]]]
    assert found
    # It says which set was in force, and what both said.
    assert {record["ruleset"] for record in found} == load.first
    assert {(record["verdict"], record["staged"]["verdict"]) for record in found} == {("allow", "deny")}
    # As long as it was staged, nothing was denied by it.
    denied = [record["rule"] for record in servers.front.records("audit.log") if record["type"] == "finding"]
    assert "e2e-2" not in denied


def test_what_was_held_is_not_offered_again(load):
    assert load.offered_again.returncode == 0, load.offered_again.stderr
    (feed,) = load.held_status["feeds"]
    assert feed["staged"]["held"]
    assert load.held_status["shadow"] == {}


def test_a_good_set_is_promoted_by_itself(load, servers):
    assert (load.before, load.after) == (200, 403)
    assert load.shadow["name"].startswith("ours:")
    assert "promoted: of " in load.promoted["text"]
    assert load.last == {load.shadow["staged"]}
    assert status_of(servers.front)["feeds"][0]["staged"] is None


def test_no_request_failed(load, servers):
    assert load.said == []
    assert not any(ATTACK_PATH in line for line in servers.servers.nginx.seen())
    # Messages are numbered anew in each run: all that were accepted arrived, and no more.
    assert servers.servers.messages() == sum(row["requests"] for row in load.rows if row["name"] == "mail")
    assert sum(row["requests"] for row in load.rows) > 500
    assert not any(row["errors"] or row["wrong"] for row in load.rows)
    assert {"browse", "form", "mail", "attack"} <= {row["name"] for row in load.rows}
