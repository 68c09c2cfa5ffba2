"""Reloads under load from wrk and smtp-source: no failed request, no lost or doubled message.

6 reloads one after another, 20 with REVPROXY_FULL=1, two workers each time, all loads at once. wrk counts what it did
not get, smtp-source ends with an error at the first reply that it does not expect, and smtp-sink writes down every
message that reached the inside, with a recipient that no other message has.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from loads import BATCH, Sender, Source, of, received_by, wrk
from servers import Front, Nginx, Sink, configuration, in_background, until

from revproxy.runtime.asking import ask

pytestmark = pytest.mark.e2e

RELOADS = 20 if os.environ.get("REVPROXY_FULL") == "1" else 6


@pytest.fixture(scope="module")
def sink(need, folder, started):
    need("smtp-sink", "smtp-source")
    made = Sink(folder / "sink", dump=True)
    started.append(made)
    return made


@pytest.fixture(scope="module")
def front(need, folder, started, sink):
    need("nginx", "wrk")
    nginx = Nginx(folder / "nginx")
    started.append(nginx)
    settings = configuration(
        folder / "front",
        nginx.port,
        sink.port,
        workers=2,
        # Half of it is what a session may go on for that never pauses: longer than a batch of smtp-source takes.
        drain_seconds=10,
        limits={"smtp": {"messages_per_session": 100_000, "commands": 1_000_000}},
    )
    made = Front(folder / "front", settings)
    started.append(made)
    return made


@pytest.fixture(scope="module")
def load(front, sink):
    """All of it, once: what each load says after the last reload."""
    stop, port = threading.Event(), front.ports["mail"]
    made = SimpleNamespace(short=Source(port, stop), long=Source(port, stop, "-d"), sender=Sender(port, stop))

    def web():
        made.wrk = wrk(f"{front.url}/page?q=garden+chair", stop)

    with ExitStack() as stack:
        for work in (web, made.short.run, made.long.run, made.sender.run):
            stack.enter_context(in_background(work))
        stack.callback(stop.set)
        made.answers = [ask(f"{front.folder}/control.sock", "reload", 120) for _ in range(RELOADS)]
        until(lambda: made.sender.sessions > 1, "second session of the sender that stays")
    made.received = received_by(sink)
    return made


def test_every_reload_succeeds(load, front):
    assert [answer["ok"] for answer in load.answers] == [True] * RELOADS
    assert [answer["result"]["generation"] for answer in load.answers] == list(range(2, RELOADS + 2))
    assert front.status()["ready"]


def test_no_request_fails(load):
    assert "Socket errors" not in load.wrk
    assert "Non-2xx" not in load.wrk
    assert int(re.search(r"(\d+) requests in", load.wrk)[1]) > 100 * RELOADS


@pytest.mark.parametrize("kind", ["short", "long"])
def test_no_message_of_smtp_source_is_lost_or_doubled(load, kind):
    source = getattr(load, kind)
    mine = of(load.received, source.name)
    assert source.sent >= BATCH
    assert len(mine) == source.sent
    assert set(mine.values()) == {1}


def test_a_sender_that_stays_is_told_to_come_again_and_loses_nothing(load):
    assert load.sender.sessions > 1
    assert len(load.sender.accepted) > RELOADS
    assert of(load.received, load.sender.name) == dict.fromkeys(load.sender.accepted, 1)


def test_nothing_else_arrived(load):
    names = (load.short.name, load.long.name, load.sender.name)
    assert not [to for to in load.received if not any(name in to for name in names)]


def test_no_old_generation_is_left(load, front):
    until(lambda: len(front.status()["generations"]) == 1, "end of the old generations")
    assert len(front.workers()) == 2
