"""Reloads under load from wrk and smtp-source: no failed request, no lost or doubled message.

6 reloads one after another, 20 with REVPROXY_FULL=1, two workers each time, all loads at once. wrk counts what it did
not get, smtp-source ends with an error at the first reply that it does not expect, and smtp-sink writes down every
message that reached the inside, with a recipient that no other message has.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import smtplib
import subprocess
import threading
import uuid
from collections import Counter
from contextlib import ExitStack, closing, suppress
from types import SimpleNamespace

import pytest
from servers import PATH, Front, Nginx, Sink, configuration, in_background, until

from revproxy.runtime.asking import ask

pytestmark = pytest.mark.e2e

RELOADS = 20 if os.environ.get("REVPROXY_FULL") == "1" else 6
BATCH = 50
_RCPT = re.compile(r"^X-Rcpt-Args: <([^>]*)>", re.MULTILINE)


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


class Source:
    """smtp-source, batch after batch, until told to stop; every message has a recipient of its own."""

    def __init__(self, port, stop, *options):
        self._port, self._stop, self._options = port, stop, options
        self.sent = 0
        self.name = uuid.uuid4().hex[:8]

    def run(self):
        batch = 0
        while not self._stop.is_set():
            batch += 1
            to = f"-{self.name}-{batch}@one.example"
            command = ["smtp-source", "-N", "-s", "4", "-l", "2000", "-m", str(BATCH), *self._options]
            command += ["-f", "a@out.example", "-t", to, f"127.0.0.1:{self._port}"]
            done = subprocess.run(
                command, env={"PATH": PATH}, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, done.stderr
            assert not done.stderr
            self.sent += BATCH


class Sender:
    """What a mail server does: keeps its session as long as it may, and comes again when told so (421)."""

    def __init__(self, port, stop):
        self._port, self._stop = port, stop
        self.accepted, self.sessions = [], 0
        self.name = uuid.uuid4().hex[:8]

    def run(self):
        numbers = itertools.count(1)
        while not self._stop.is_set():
            self.sessions += 1
            with closing(smtplib.SMTP("127.0.0.1", self._port, "client.example", timeout=60)) as session:
                session.ehlo()
                # Cut off between two messages: nothing is lost, the next one goes into the next session.
                with suppress(smtplib.SMTPServerDisconnected):
                    while not self._stop.is_set() and self._send(session, f"{next(numbers)}-{self.name}@one.example"):
                        pass

    def _send(self, session, to):
        """Whether the session goes on."""
        code, text = session.docmd("MAIL", "FROM:<a@out.example>")
        if code == 421:
            return False
        assert code == 250, text
        # From here on nothing but 250 will do.
        try:
            assert session.rcpt(to)[0] == 250
            assert session.data(b"Subject: hello\r\n\r\nhello\r\n")[0] == 250
        except smtplib.SMTPException as error:
            raise AssertionError(f"the session broke within a message: {error!r}") from error
        self.accepted.append(to)
        return True


def wrk(url, stop):
    """What wrk says of a load that lasts until told to stop."""
    command = ["wrk", "-t1", "-c16", "-d600s", "--timeout", "20s", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        stop.wait()
        process.send_signal(signal.SIGINT)
        return process.stdout.read()


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
    made.received = Counter(_RCPT.findall(sink.dump.read_text("latin-1")))
    return made


def of(received, name):
    """How many messages came for each of that load's recipients."""
    return {to: count for to, count in received.items() if name in to}


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
