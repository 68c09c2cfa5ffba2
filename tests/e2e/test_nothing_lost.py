"""Reloads and an upgrade under locust, with event streams, uploads and mail sessions that are open meanwhile: nothing
is lost. 8 reloads, 100 with REVPROXY_FULL=1, and an upgrade in the middle of them. `pytest -s` prints the figures.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from loads import EVENT_SECONDS, EVENTS, Patient, Sender, of, patient_server, received_by
from servers import Front, Nginx, Sink, configuration, in_background, until

from revproxy.runtime.asking import ask

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
RELOADS = 100 if os.environ.get("REVPROXY_FULL") == "1" else 8
USERS = 12


@pytest.fixture(scope="module")
def servers(need, folder, started):
    need("nginx", "smtp-sink")
    if importlib.util.find_spec("locust") is None:
        pytest.skip("needs locust")
    nginx, sink = Nginx(folder / "nginx"), Sink(folder / "sink", dump=True)
    started.extend([nginx, sink])
    with patient_server() as port:
        settings = configuration(
            folder / "front",
            nginx.port,
            sink.port,
            # Longer than anything here takes.
            drain_seconds=20,
            limits={
                "caps": {"connections_per_address": 10_000},
                "smtp": {"messages_per_session": 100_000, "commands": 1_000_000},
            },
        )
        settings["upstreams"]["patient"] = f"127.0.0.1:{port}"
        settings["routes"] += [{"path": path, "upstream": "patient"} for path in ("/events", "/upload")]
        front = Front(folder / "front", settings)
        started.append(front)
        yield SimpleNamespace(nginx=nginx, sink=sink, front=front)
        front.stop()


def locust(servers, report, stop):
    """What it says of itself after it was told to stop."""
    command = [sys.executable, "-m", "locust", "-f", "tests/load/locustfile.py", "--host", servers.front.url]
    command += ["--headless", "--only-summary", "-u", str(USERS), "-r", "6", "--stop-timeout", "30"]
    environment = {**os.environ, "LOAD_SMTP": str(servers.front.ports["mail"]), "LOAD_REPORT": str(report)}
    with (report.parent / "locust.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        stop.wait()
        process.send_signal(signal.SIGTERM)
        process.wait(120)


@pytest.fixture(scope="module")
def course(servers, folder):
    """All of it, once."""
    stop, front = threading.Event(), servers.front
    control, report = f"{front.folder}/control.sock", folder / "report.json"
    made = SimpleNamespace(patient=Patient(front.ports["web"], stop), sender=Sender(front.ports["mail"], stop, 0.05))
    loads = (made.patient.run, made.sender.run, lambda: locust(servers, report, stop))
    with ExitStack() as stack:
        for work in loads:
            stack.enter_context(in_background(work))
        stack.callback(stop.set)
        until(lambda: made.patient.uploads and servers.sink.dump.exists(), "load")
        until(lambda: len(servers.nginx.seen()) > 20 * USERS, "load of locust")
        began, made.answers = time.monotonic(), []
        for number in range(RELOADS):
            if number == RELOADS // 2:
                made.upgrade = ask(control, "upgrade", 300)
            made.answers.append(ask(control, "reload", 120))
        made.seconds = time.monotonic() - began
        # Streams that began before the last reload come to their end.
        stop.wait(EVENTS * EVENT_SECONDS)
    made.report = json.loads(report.read_text())
    made.received = received_by(servers.sink)
    return made


def test_all_of_it_succeeds(course, servers):
    assert [answer["ok"] for answer in course.answers] == [True] * RELOADS
    assert course.upgrade["ok"], course.upgrade
    status = servers.front.status()
    assert status["ready"]
    assert status["pid"] == servers.front.pid


def test_no_request_of_locust_is_lost(course):
    rows = {row["name"]: row for row in course.report["rows"]}
    print(f"\n{RELOADS} reloads and an upgrade in {course.seconds:.0f} s under locust:")
    for row in rows.values():
        print("  {name:12s} {requests:7d} requests, {errors} errors, {wrong} wrong verdicts".format(**row))
    assert not course.report["said"]
    assert {"browse", "form", "attack", "upload", "mail"} <= set(rows)
    assert sum(row["errors"] + row["wrong"] for row in rows.values()) == 0


def test_no_stream_and_no_upload_is_cut(course):
    """Each was held against what it must be while it ran."""
    seconds = EVENTS * EVENT_SECONDS
    print(f"\n  {course.patient.streams} event streams of {seconds:g} s, {course.patient.uploads} uploads")
    assert course.patient.streams > 4
    assert course.patient.uploads > 4


def test_no_message_is_lost_or_doubled(course):
    mine = of(course.received, course.sender.name)
    (mail,) = [row for row in course.report["rows"] if row["name"] == "mail"]
    print(f"\n  {len(mine)} messages in {course.sender.sessions} sessions that stay, {mail['requests']} of locust")
    assert mine == dict.fromkeys(course.sender.accepted, 1)
    assert set(course.received.values()) == {1}
    # locust writes its report before its last sessions have ended.
    assert 0 <= len(course.received) - len(mine) - mail["requests"] <= 3 * USERS


def test_nothing_of_before_is_left(course, servers):
    until(lambda: len(servers.front.status()["generations"]) == 1, "end of the old generations")
    until(lambda: not servers.front.status()["adopted"], "end of what was adopted")
