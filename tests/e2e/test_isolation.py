"""What the processes may do and do for one another, with real servers: the broker connects and is replaced when it is
gone; workers are locked in, and reload, rotation and records work all the same."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
import trustme
import yaml
from servers import REVPROXY, Front, Nginx, Process, configuration, curl, in_background, until

from revproxy.config.users import find_user
from revproxy.runtime.sandbox import lacking
from tests.alone import ALONE

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def nginx(need, folder, started):
    need("nginx", "curl")
    made = Nginx(folder / "nginx", extra="location /close { add_header Connection close; return 200 closed; }")
    started.append(made)
    return made


def issue(folder, authority, name):
    """A certificate in the files that the configuration names."""
    made = authority.issue_cert(name)
    made.cert_chain_pems[0].write_to_path(folder / "web.crt")
    made.private_key_pem.write_to_path(folder / "web.key")
    (folder / "web.key").chmod(0o600)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def syslog():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(20)
        yield sock


@pytest.fixture(scope="module")
def front(nginx, folder, started, authority, syslog):
    # Names are resolved by the broker; nobody listens on the mail server's port.
    issue(folder, authority, "one.example")
    tls = {"certificates": [{"certificate": str(folder / "web.crt"), "key": str(folder / "web.key")}]}
    settings = configuration(
        folder / "front",
        nginx.port,
        9,
        upstreams={"web": f"localhost:{nginx.port}", "mail": "127.0.0.1:9"},
        listeners=[
            {"name": "web", "kind": "http", "bind": "127.0.0.1:0"},
            {"name": "secure", "kind": "http", "bind": "127.0.0.1:0", "tls": tls},
            {"name": "mail", "kind": "smtp", "bind": "127.0.0.1:0"},
        ],
        workers=2,
    )
    settings["logs"]["error"] = f"syslog:127.0.0.1:{syslog.getsockname()[1]}"
    made = Front(folder / "front", settings)
    started.append(made)
    return made


def broker(front):
    """What `status` says of it."""
    return front.status()["generations"][-1]["broker"]


def change(front, **sections):
    """Rewrite the configuration and reload."""
    front.file.write_text(yaml.safe_dump({**yaml.safe_load(front.file.read_text()), **sections}))
    done = front.tell("reload")
    assert done.returncode == 0, done.stderr
    until(lambda: len(front.status()["generations"]) == 1, "end of the old generation")
    return done.stdout


def state(pid):
    """What the kernel says of a process."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "seccomp": rows["Seccomp"].strip(),
        "no_new_privs": rows["NoNewPrivs"].strip(),
        "capabilities": {int(rows[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")},
        "user": set(map(int, rows["Uid"].split())),
    }


@pytest.mark.skipif(bool(lacking()), reason="; ".join(lacking()))
def test_workers_and_broker_are_locked_in(front):
    uid = find_user(None).uid if os.getuid() == 0 else os.getuid()
    wanted = {"seccomp": "2", "no_new_privs": "1", "capabilities": {0}, "user": {uid}}
    pids = [*front.workers(), broker(front)["pid"]]
    assert len(pids) == 3
    assert [state(pid) for pid in pids] == [wanted] * 3
    for pid in pids:
        threads = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
        assert [state(thread) for thread in threads] == [wanted] * len(threads)
    assert "sandbox: missing" not in front.errors.read_text()


def replaced(front):
    """Kill the broker; seconds until another has taken its place."""
    dead, before = broker(front)["pid"], front.errors.read_text().count("takes its place")
    os.kill(dead, signal.SIGKILL)
    killed = time.monotonic()
    until(lambda: front.errors.read_text().count("takes its place") > before, "a new broker")
    took = time.monotonic() - killed
    assert broker(front)["pid"] not in (0, dead)
    return took


def test_a_killed_broker_is_replaced_within_a_second_and_requests_go_on(front, nginx):
    statuses, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            # A new connection to the inside each time.
            statuses.append(curl(f"{front.url}/close?n={len(statuses)}")[0])

    with in_background(ask):
        until(lambda: len(statuses) > 5, "answers")
        # Three times, for other programs of the machine may be in the way once.
        took = [replaced(front) for _ in range(3)]
        count = len(statuses)
        until(lambda: len(statuses) > count + 20, "answers afterwards")
        stop.set()
    assert min(took) < 1.0
    assert set(statuses) == {200}
    assert broker(front)["restarts"] == 3


def test_a_large_body_waits_in_the_spool(front, nginx, folder):
    body = folder / "body"
    body.write_bytes(random.Random(1).randbytes(2_000_000))
    options = ("-H", "Content-Type: application/octet-stream", "--data-binary", f"@{body}")
    assert curl(f"{front.url}/large", *options)[0] == 200
    assert "POST /large 2000000" in until(lambda: [line for line in nginx.seen() if "/large" in line], "its line")


def test_records_go_to_a_syslog_server(front, syslog):
    assert curl(f"{front.url}/?id=1%27%20OR%20%271%27=%271")[0] == 403
    assert b"[error] [client 127.0.0.1] revproxy: " in syslog.recv(65536)


def test_logs_are_rotated(front):
    log, old = front.folder / "access.log", front.folder / "access.old"
    # Of several requests each worker has some.
    log.rename(old)
    front.process.send_signal(signal.SIGUSR1)
    until(log.exists, "new log file")
    until(lambda: curl(f"{front.url}/rotated") and "/rotated" in log.read_text(), "record in the new file")
    assert log.stat().st_mode & 0o777 == 0o640
    assert log.stat().st_uid == os.getuid()
    assert front.records()


def shown(front, authority):
    """The name in the certificate that a client sees."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.check_hostname = False
    with (
        socket.create_connection(("127.0.0.1", front.ports["secure"])) as raw,
        context.wrap_socket(raw, server_hostname="any.example") as tls,
    ):
        return [name for _, name in tls.getpeercert()["subjectAltName"]]


def test_certificates_are_read_anew(front, folder, authority):
    assert shown(front, authority) == ["one.example"]
    issue(folder, authority, "two.example")
    change(front)
    assert shown(front, authority) == ["two.example"]


def test_listeners_come_with_a_reload(front):
    listeners = yaml.safe_load(front.file.read_text())["listeners"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    more = {"name": "more", "kind": "http", "bind": f"127.0.0.1:{port}"}
    assert "is in force" in change(front, listeners=[*listeners, more])
    assert curl(f"http://127.0.0.1:{port}/")[0] == 200


def test_rules_are_swapped(front):
    attack = "/?id=1%27%20OR%20%271%27=%271"
    before = front.workers()
    off = [record["rule"] for record in front.records("audit.log")]
    assert curl(front.url + attack)[0] == 403
    assert "goes on" in change(front, inspection={"disabled": sorted(set(off))})
    assert front.workers() == before
    assert curl(front.url + attack)[0] == 200
    assert "goes on" in change(front, inspection={})
    assert curl(front.url + attack)[0] == 403


@pytest.mark.skipif(bool(lacking()), reason="; ".join(lacking()))
def test_from_inside_nothing_else_is_possible(front, nginx):
    done = front.tell("dmz", "verify", "--to", f"127.0.0.1:{front.ports['web']}", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, [row for row in told["rows"] if row["outcome"] == "POSSIBLE"]
    outcomes = {row["what"]: row["outcome"] for row in told["rows"]}
    assert outcomes["upstream web"] == "works"
    assert outcomes[f"TCP to 127.0.0.1 port {front.ports['web']}"] == "refused"
    assert {outcomes[f"reading {front.folder.parent}/web.{end}"] for end in ("crt", "key")} == {"refused"}
    assert outcomes[f"socket {front.folder}/control.sock"] == "refused"


def test_off_is_said(nginx, folder, started):
    settings = configuration(folder / "open", nginx.port, 9, sandbox=False, control={"path": f"{folder}/open.sock"})
    made = Front(folder / "open", settings)
    started.append(made)
    assert "sandbox: off" in until(lambda: made.errors.read_text(), "words")
    assert curl(made.url)[0] == 200
    assert state(made.workers()[0])["seccomp"] == "0"
    if os.getuid() == 0:
        # Its attempts are really made.
        command = [*ALONE, *REVPROXY, "dmz", "verify", "-c", str(made.file)]
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 1


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to begin as somebody else")
def test_without_root_the_user_stays_and_no_capability_does(need, nginx, folder, started):
    """As in a container that runs as one user. This user reads what root installed by a capability, for the tests may
    run from anywhere; the workers have not even that."""
    need("setpriv")
    uid = find_user("nobody").uid
    home = folder / "plain"
    home.mkdir()
    os.chown(home, uid, uid)
    file = home / "revproxy.yaml"
    settings = configuration(home, nginx.port, 9, inspection={"signatures": []}, control={"path": f"{home}/c.sock"})
    file.write_text(yaml.safe_dump(settings))
    who = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--bounding-set=+dac_read_search"]
    made = Process(["setpriv", *who, *rights, *REVPROXY, "run", "-c", str(file)], folder / "plain.stderr")
    started.append(made)
    port = re.search(r"web http 127[.]0[.]0[.]1:([0-9]+)", made.line_with("ready: "))[1]
    assert curl(f"http://127.0.0.1:{port}/")[0] == 200
    assert f"keep uid {uid}" in until(lambda: made.errors.read_text(), "words")
    assert state(made.pid)["capabilities"] != {0}
    children = [int(pid) for pid in Path(f"/proc/{made.pid}/task/{made.pid}/children").read_text().split()]
    assert len(children) == 2
    wanted = {"seccomp": "2", "no_new_privs": "1", "capabilities": {0}, "user": {uid}}
    assert [state(pid) for pid in children] == [wanted] * 2
