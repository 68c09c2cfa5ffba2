from __future__ import annotations

import json
import socket
import sys
import threading
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from revproxy import cli
from revproxy.errors import ConfigError, Location

_STATUS = {
    "state": "running",
    "ready": True,
    "pid": 10,
    "uptime_seconds": 61.2,
    "ruleset": "abc",
    "adopted": [8, 9],
    "generations": [
        {
            "number": 2,
            "ruleset": "abc",
            "sandbox": {"on": True, "missing": []},
            "restarts": 1,
            "broker": {"pid": 9, "restarts": 2},
            "workers": [
                {"index": 0, "pid": 11, "accepting": True, "age_seconds": 3.0, "status": {"connections": 4}},
                {"index": 1, "pid": 12, "accepting": True, "age_seconds": 3.0, "status": None},
            ],
        }
    ],
}


@pytest.fixture
def supervisor(tmp_path):
    """`supervisor(answer)`: the path of a control socket that gives that answer to whatever it is asked."""
    threads = []

    def start(answer):
        path = str(tmp_path / "control")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()

        def serve():
            with listener, listener.accept()[0] as sock:
                sock.recv(4096)
                sock.sendall(json.dumps(answer).encode() + b"\n")

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return path

    yield start
    for thread in threads:
        thread.join()


@pytest.fixture
def app(monkeypatch):
    """A service of which nothing is left but what these commands call."""

    def control_path(file):
        raise ConfigError("unknown key", Location(file, 2, 3))

    app = SimpleNamespace(control_path=control_path, run=lambda file, announce, told: announce(f"ready: {file}") or 2)
    monkeypatch.setitem(sys.modules, "revproxy.app.service", app)
    monkeypatch.setattr("revproxy.app.service", app, raising=False)
    return app


def _run(*arguments):
    return CliRunner().invoke(cli.cli, arguments)


@pytest.mark.parametrize(
    ("sandbox", "line"),
    [
        ({"on": False, "missing": []}, "  sandbox: off; workers may do whatever this user may"),
        ({"on": True, "missing": ["one", "two"]}, "  sandbox: missing on this machine: one; two"),
    ],
)
def test_a_sandbox_that_is_not_whole(supervisor, sandbox, line):
    told = {**_STATUS, "generations": [{**_STATUS["generations"][0], "sandbox": sandbox}]}
    assert line in _run("status", "--control", supervisor({"ok": True, "result": told})).stdout.splitlines()


def test_a_supervisor_of_before_an_upgrade(supervisor):
    generation = {key: value for key, value in _STATUS["generations"][0].items() if key != "sandbox"}
    done = _run("status", "--control", supervisor({"ok": True, "result": {**_STATUS, "generations": [generation]}}))
    assert (done.exit_code, "sandbox" in done.stdout) == (0, False)


def test_status_as_text(supervisor):
    done = _run("status", "--control", supervisor({"ok": True, "result": _STATUS}))
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "running, ready: pid 10, up 61 s, rule set abc",
        "2 processes of the version before it finish what they have begun",
        "generation 2: rule set abc, 1 restarts",
        "  sandbox: whole",
        "  broker: pid 9, 2 restarts",
        "  worker 0: pid 11, 3 s old, connections 4",
        "  worker 1: pid 12, 3 s old, no answer",
    ]


def test_status_as_json_and_not_ready(supervisor):
    answer = _STATUS | {"ready": False}
    done = _run("status", "--json", "--control", supervisor({"ok": True, "result": answer}))
    assert done.exit_code == 1
    assert json.loads(done.stdout) == answer


@pytest.mark.parametrize(("kind", "code"), [("ConfigError", 2), ("ManyErrors", 2), ("WorkerFailed", 1), (None, 1)])
def test_a_reload_that_failed(supervisor, kind, code):
    answer = {"ok": False, "error": "r.yaml:2:1: no"} | ({"kind": kind} if kind else {})
    done = _run("reload", "--control", supervisor(answer))
    assert done.exit_code == code
    assert done.stderr == "r.yaml:2:1: no\n"


@pytest.mark.parametrize(("swapped", "goes"), [(False, "is in force"), (True, "goes on")])
def test_a_reload(supervisor, swapped, goes):
    result = {"generation": 3, "ruleset": "abc", "swapped": swapped}
    done = _run("reload", "--control", supervisor({"ok": True, "result": result}))
    assert (done.exit_code, done.stdout) == (0, f"generation 3 {goes} with rule set abc\n")


@pytest.mark.parametrize(("option", "text"), [("--wait", "drained"), ("--no-wait", "draining, for 60 s at most")])
def test_drain(supervisor, option, text):
    done = _run("drain", option, "--control", supervisor({"ok": True, "result": {"drain_seconds": 60.0}}))
    assert (done.exit_code, done.stdout) == (0, f"{text}\n")


@pytest.mark.parametrize("verb", ["status", "reload", "upgrade", "drain"])
def test_nobody_answers(tmp_path, verb):
    done = _run(verb, "--control", str(tmp_path / "none"))
    assert done.exit_code == 1
    assert "No such file or directory" in done.stderr


@pytest.mark.parametrize("verb", ["status", "reload", "upgrade", "drain"])
def test_a_configuration_that_cannot_tell(app, verb):
    done = _run(verb, "-c", "r.yaml")
    assert done.exit_code == 2
    assert done.stderr == "r.yaml:2:3: unknown key\n"


def test_run_and_its_exit_code(app):
    done = _run("run", "-c", "r.yaml")
    assert (done.exit_code, done.stdout) == (2, "ready: r.yaml\n")


@pytest.mark.parametrize("verb", ["run", "status", "reload", "drain"])
def test_help_has_examples_and_exit_codes(verb):
    said = _run(verb, "--help").stdout
    assert f"revproxy {verb}" in said
    assert "Exit codes: 0" in said


def test_upgrade(supervisor):
    answer = {"ok": True, "result": {"version": "2.0", "ruleset": "abc"}}
    done = _run("upgrade", "--control", supervisor(answer))
    assert (done.exit_code, done.stdout) == (0, "version 2.0 serves with rule set abc\n")
