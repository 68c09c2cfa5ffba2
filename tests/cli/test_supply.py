from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from revproxy import cli
from revproxy.app import update
from revproxy.model import SupplyLimits
from revproxy.updates.keys import Keys
from revproxy.updates.repository import Repository

CONFIG = """\
listeners: [{name: web, kind: http, bind: "127.0.0.1:0"}]
upstreams: {inside: "127.0.0.1:1"}
routes: [{path: /, upstream: inside}]
inspection: {signatures: ["feed:ours"]}
feeds: {folder: feeds}
control: {path: control.sock}
cache: cache
"""
SIGNATURES = Path(__file__).parents[2] / "signatures"


@pytest.fixture
def publish(tmp_path):
    """Publishes one of the shipped files."""
    feed = Repository(tmp_path / "feed", Keys([tmp_path / "keys"]), datetime.now(UTC))
    feed.begin(("ours",))

    def put(name, version=""):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "a.yaml").write_bytes((SIGNATURES / f"{name}.yaml").read_bytes())
        feed.publish("ours", folder, version or name, SupplyLimits())

    put("xml")
    return put


@pytest.fixture
def run(tmp_path):
    (tmp_path / "revproxy.yaml").write_text(CONFIG)

    def call(*words, code=0):
        words = ["signatures", *map(str, words), "-c", str(tmp_path / "revproxy.yaml")]
        done = CliRunner().invoke(cli.cli, words)
        assert done.exit_code == code, done.output
        return done.output

    return call


def test_from_a_feed_to_what_is_in_force_and_back(run, publish, tmp_path):
    root = tmp_path / "feed/public/metadata/1.root.json"
    assert "ours: in force: ours xml" in run("add", tmp_path / "feed/public", "--root", root)
    publish("ssrf")
    assert "ours: in force: ours ssrf" in run("update", "--now")
    assert "nothing newer" in run("update", "ours")
    assert "rolled back: to ours xml" in run("rollback", "ours")
    assert "pinned" in run("pin", "ours")
    assert "pinned" in run("update")
    assert "unpinned" in run("pin", "ours", "--off")
    text = run("status")
    assert "in force: ours xml" in text
    assert "refused: the operator went back from it" in text
    told = json.loads(run("status", "--json"))
    assert [one["outcome"] for one in told["history"]] == [
        "in force",
        "in force",
        "rolled back",
        "pinned",
        "unpinned",
    ]


def test_two_feeds_are_added_one_after_the_other(run, publish, tmp_path):
    file, root = tmp_path / "revproxy.yaml", tmp_path / "feed/public/metadata/1.root.json"
    file.write_text(CONFIG.replace('["feed:ours"]', '["feed:ours", "feed:house"]'))
    check = ["check", "-c", str(file)]
    assert CliRunner().invoke(cli.cli, check).exit_code == 2
    said = run("add", tmp_path / "feed/public", "--root", root)
    assert "ours: in force: ours xml" in said
    assert "feed:house needs a set too: `revproxy signatures add ADDRESS --root FILE --name house` adds it" in said
    done = CliRunner().invoke(cli.cli, check)
    assert done.exit_code == 2
    assert "there is no feed 'house'" in done.output
    assert "--name house` adds it" in done.output
    publish("ssrf")
    assert "house: in force: ours ssrf" in run("add", tmp_path / "feed/public", "--root", root, "--name", "house")
    assert CliRunner().invoke(cli.cli, check).exit_code == 0


def test_a_staged_set(run, publish, tmp_path):
    root = tmp_path / "feed/public/metadata/1.root.json"
    run("add", tmp_path / "feed/public", "--root", root)
    publish("ssrf")
    assert "ours: staged: ours ssrf" in run("update")
    assert "  staged: ours ssrf (number 3, " in run("status")
    assert "ours: rejected: ours ssrf" in run("reject", "ours")
    publish("ssrf", "again")
    assert update.main([str(tmp_path / "revproxy.yaml")]) == 0
    assert "ours: passed over: ours again" in run("update")
    text = run("status")
    assert "  staged:" not in text
    assert "  refused: the operator rejected it" in text
    publish("xss")
    assert "ours: staged: ours xss" in run("update")
    assert "ours: in force: ours xss" in run("promote", "ours")
    assert json.loads(run("status", "--json"))["feeds"][0]["staged"] is None


def test_what_is_refused(run, publish, tmp_path):
    root = tmp_path / "feed/public/metadata/1.root.json"
    assert "which role (--role)?" in run("add", tmp_path / "feed/public", "--root", root, "--role", "mine", code=1)
    assert "is not there" in run("add", tmp_path / "nowhere", "--root", root, code=1)
    assert "no set before" not in run("add", tmp_path / "feed/public", "--root", root)
    assert "no set before" in run("rollback", "ours", code=1)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "somewhere"), "--root FILE"),
        (("add", "a", "b", "c"), "--root FILE"),
        (("add", "crs", "somewhere"), "what vouches for this release"),
        (("add", "crs", "https://bob:hunter2@x.example/a", "--sha256", "0"), "no password in an address"),
        (("add", "crs", "missing", "--fingerprint", "AB"), "no fingerprint"),
        (("update", "mine"), "no feed 'mine'"),
        (("rollback", "mine"), "no feed 'mine'"),
        (("pin", "mine"), "no feed 'mine'"),
        (("promote", "mine"), "no feed 'mine'"),
        (("reject", "mine"), "no feed 'mine'"),
        (("add", "x", "--root", SIGNATURES / "xml.yaml"), "xml.yaml: this is no root.json"),
    ],
)
def test_wrong_use(run, words, why):
    assert why in run(*words, code=2)


def test_a_refusal_is_said_once(tmp_path, publish):
    """By the program itself: what a test runner does with logs is another matter."""
    (tmp_path / "revproxy.yaml").write_text(CONFIG)
    file = ("-c", str(tmp_path / "revproxy.yaml"))
    root = tmp_path / "feed/public/metadata/1.root.json"
    CliRunner().invoke(cli.cli, ["signatures", "add", str(tmp_path / "feed/public"), "--root", str(root), *file])
    shutil.rmtree(tmp_path / "feed/public")
    words = [sys.executable, "-m", "revproxy", "signatures", "update", *file]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("refused")) == (1, "", 1)


class _Files(SimpleHTTPRequestHandler):
    """Those of a folder; while `server.hangs` is set, no answer to who asks for the timestamp."""

    def do_GET(self):
        if self.server.hangs and self.path.endswith("timestamp.json"):
            self.server.asked.set()
            self.server.over.wait(60)
            return
        super().do_GET()

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads, block_on_close, hangs = True, False, False

    def handle_error(self, *_):
        """A client that goes away is what is asked for here."""


@contextmanager
def serving(folder, ca):
    server = _Server(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    server.asked, server.over = threading.Event(), threading.Event()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGTERM, 143, "Aborted by SIGTERM!\n"), (signal.SIGINT, 1, "Aborted!\n")],
)
def test_a_fetch_that_hangs_is_ended(run, publish, tmp_path, number, code, said):
    ca, file = trustme.CA(), tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(file)
    with serving(tmp_path / "feed/public", ca) as server:
        url = f"https://localhost:{server.server_port}"
        run("add", url, "--ca", file, "--root", tmp_path / "feed/public/metadata/1.root.json")
        before, server.hangs = json.loads(run("status", "--json"))["feeds"][0]["current"], True
        for module in (["revproxy", "signatures", "update", "ours", "-c"], ["revproxy.app.update"]):
            server.asked.clear()
            words = [sys.executable, "-m", *module, str(tmp_path / "revproxy.yaml")]
            with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                assert server.asked.wait(60)
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
            if module[0] == "revproxy":
                assert (process.returncode, out, err.lstrip("\n")) == (code, "", said)
            elif number == signal.SIGTERM:
                # What the timer starts has a log instead.
                assert process.returncode == code
                assert err.endswith("no update: it was ended before it was done\n")
                assert err.count("\n") == 1
            told = json.loads(run("status", "--json"))
            assert (told["history"][-1]["outcome"], told["history"][-1]["text"]) == (
                "refused",
                "it was ended before it was done",
            )
            assert told["feeds"][0]["current"] == before


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("https://bob:hunter2@x.example",), "no password in an address"),
        (("http://x.example",), "only https://"),
        (("ftp://x.example",), "only https://"),
        (("https://localhost:99999",), "its port is none"),
        (("https://x.example/?x=1#y",), "so it has no '?'"),
        (("https://x.example", "--ca", SIGNATURES / "xml.yaml"), "xml.yaml: no file of authorities"),
        (("x", "--name", "A b"), "is no name"),
    ],
)
def test_addresses_and_names_that_are_none(run, publish, tmp_path, words, why):
    said = run("add", *words, "--root", tmp_path / "feed/public/metadata/1.root.json", code=2)
    assert why in said
    assert "hunter2" not in said


def test_an_update_without_feeds_says_so(run, tmp_path):
    assert f"no feeds in {tmp_path / 'feeds'}" in run("update")
    assert not (tmp_path / "feeds").exists()


def test_a_disk_that_is_full(run, publish, tmp_path, monkeypatch):
    run("add", tmp_path / "feed/public", "--root", tmp_path / "feed/public/metadata/1.root.json")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("revproxy.updates.feeds.write_whole", full)
    assert "cannot be written: No space left" in run("pin", "ours", code=1)


def test_a_release_of_crs(run, tmp_path):
    assert "fetch: " in run("add", "crs", tmp_path / "missing.tar.gz", "--sha256", "0", code=1)
