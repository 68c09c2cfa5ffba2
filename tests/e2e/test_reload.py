"""Reloads under load from wrk and smtp-source: no failed request, no lost or doubled message.

20 reloads, two workers each time. wrk counts what it did not get, smtp-source ends with an error at the first reply
that it does not expect, and smtp-sink writes down every message that reached the inside, with a recipient that no
other message has.
"""

from __future__ import annotations

import re
import signal
import smtplib
import subprocess
import threading
import uuid
from collections import Counter

import pytest
from servers import PATH, Front, Nginx, Sink, configuration, in_background

pytestmark = pytest.mark.e2e

RELOADS = 20
BATCH = 200
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
        limits={"smtp": {"messages_per_session": 100_000, "commands": 1_000_000}},
    )
    made = Front(folder / "front", settings)
    started.append(made)
    return made


def received(sink):
    """How many messages came for each recipient."""
    return Counter(_RCPT.findall(sink.dump.read_text("latin-1")))


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
        number = 0
        while not self._stop.is_set():
            self.sessions += 1
            with smtplib.SMTP("127.0.0.1", self._port, "client.example", timeout=60) as session:
                try:
                    while not self._stop.is_set():
                        number += 1
                        self._send(session, f"{number}-{self.name}@one.example")
                except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected) as error:
                    # Only between two messages, and only as "come again": anything else would be a loss.
                    assert getattr(error, "smtp_code", 421) == 421, error

    def _send(self, session, to):
        code, text = session.docmd("MAIL", "FROM:<a@out.example>")
        if code == 421:
            raise smtplib.SMTPResponseException(code, text)
        assert code == 250, text
        # From here on nothing but 250 will do.
        try:
            assert session.rcpt(to)[0] == 250
            assert session.data(b"Subject: hello\r\n\r\nhello\r\n")[0] == 250
        except smtplib.SMTPException as error:
            raise AssertionError(f"the session broke within a message: {error!r}") from error
        self.accepted.append(to)


def reload(front, times):
    for _ in range(times):
        done = front.tell("reload")
        assert done.returncode == 0, done.stderr


def test_no_request_fails(front):
    command = ["wrk", "-t1", "-c16", "-d600s", "--timeout", "20s", f"{front.url}/page?q=garden+chair"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
        try:
            reload(front, RELOADS)
        finally:
            wrk.send_signal(signal.SIGINT)
            said = wrk.stdout.read()
    print(said)
    assert "Socket errors" not in said
    assert "Non-2xx" not in said
    assert int(re.search(r"(\d+) requests in", said)[1]) > 100 * RELOADS


@pytest.mark.parametrize("options", [(), ("-d",)], ids=["a session each", "long sessions"])
def test_no_message_is_lost_or_doubled(front, sink, options):
    stop = threading.Event()
    source = Source(front.ports["mail"], stop, *options)
    with in_background(source.run):
        try:
            reload(front, RELOADS)
        finally:
            stop.set()
    mine = {to: count for to, count in received(sink).items() if source.name in to}
    assert source.sent > RELOADS
    assert len(mine) == source.sent
    assert set(mine.values()) == {1}


def test_a_sender_that_comes_again_loses_nothing(front, sink):
    stop = threading.Event()
    sender = Sender(front.ports["mail"], stop)
    with in_background(sender.run):
        try:
            reload(front, RELOADS // 4)
        finally:
            stop.set()
    mine = {to: count for to, count in received(sink).items() if sender.name in to}
    assert sender.sessions > 1
    assert mine == dict.fromkeys(sender.accepted, 1)
