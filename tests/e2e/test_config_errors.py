"""A configuration that is wrong: `check` and `run` say where, end with 2, and bind nothing."""

from __future__ import annotations

import socket
import subprocess

import pytest
from servers import CACHE, REVPROXY

pytestmark = pytest.mark.e2e

GOOD = """\
listeners:
  - {{name: web, kind: http, bind: "127.0.0.1:{port}"}}
upstreams:
  web: 127.0.0.1:1
routes:
  - {{path: /, upstream: web}}
admin: off
control: {{path: control.sock}}
spool: spool
cache: "{cache}"
"""
TLS = """\
listeners:
  - name: web
    kind: http
    bind: "127.0.0.1:{port}"
    tls: {{certificates: [{{certificate: gone.pem, key: gone.key}}]}}
"""
SIGNATURE = """\
signatures:
  - id: our-own-rule
    name: a rule of ours
    nonsense: true
"""

CASES = {
    "unknown key": (GOOD + "listenrs: []\n", "revproxy.yaml:11:1: ", "listenrs"),
    "unknown key below": (GOOD + "limits:\n  http: {{body_byte: 1}}\n", "revproxy.yaml:12:10: ", "body_byte"),
    "missing certificate": (TLS + GOOD.partition("\n")[2].partition("\n")[2], "revproxy.yaml:5:40: ", "gone.pem"),
    "unreachable include": (GOOD + "include: [conf.d/gone.yaml]\n", "revproxy.yaml:11:11: ", "gone.yaml"),
    "bad signature": (GOOD + "inspection:\n  signatures: [bad.yaml]\n", "bad.yaml:4:5: ", "nonsense"),
    "a disabled signature that is not there": (
        GOOD + "inspection:\n  disabled: [sql-union-slect]\n",
        "revproxy.yaml:12:14: ",
        "did you mean sql-",
    ),
    "an address of another machine": (
        GOOD.replace("127.0.0.1:{port}", "192.0.2.1:80"),
        "revproxy.yaml:2:",
        "listener web",
    ),
    "a control socket in no folder": (
        GOOD.replace("control.sock", "none/c.sock"),
        "revproxy.yaml:8:17: ",
        "mkdir -p",
    ),
    "nesting without end": (GOOD + "mail: " + "[" * 20000 + "\n", "revproxy.yaml:11:", "deeper than 32"),
    "a log that is a folder": (GOOD + "logs: {{access: 'file:.'}}\n", "revproxy.yaml:11:16: ", "directory"),
    "no YAML": (GOOD + "mail: [}}\n", "revproxy.yaml:11:8: ", "no YAML"),
}


@pytest.fixture
def held():
    """A port that is taken: who tries to bind it says so."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize("case", CASES)
def test_says_where_and_binds_nothing(tmp_path, held, case, verb):
    text, place, word = CASES[case]
    (tmp_path / "revproxy.yaml").write_text(text.format(port=held, cache=CACHE))
    (tmp_path / "bad.yaml").write_text(SIGNATURE)
    done = subprocess.run(
        [*REVPROXY, verb, "-c", "revproxy.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert f"{tmp_path / place}" in done.stderr
    assert word in done.stderr
    assert "^" in done.stderr
    assert "Traceback" not in done.stderr
    assert "already in use" not in done.stderr
    assert "ready" not in done.stdout
    assert not (tmp_path / "control.sock").exists()


def test_a_port_that_is_taken_is_told_too(tmp_path, held):
    """The counterpart: without a mistake in the file, `run` does try to bind."""
    (tmp_path / "revproxy.yaml").write_text(GOOD.format(port=held, cache=CACHE))
    command = [*REVPROXY, "run", "-c", "revproxy.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stderr
    assert f"listener web cannot listen on 127.0.0.1:{held}" in done.stderr
