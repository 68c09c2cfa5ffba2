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

SECLANG = """\
SecRulle ARGS "@rx a" "id:1,phase:2,deny"
SecRule ARGZ "@rx a" "id:2,phase:2,deny"
SecRule ARGS "@rx (a" "id:3,phase:2,deny"
Include gone.conf
SecRule ARGS "@pmFromFile gone.data" "id:4,phase:2,deny"
SecRule ARGS "@pmFromFile ." "id:5,phase:2,deny"
SecRule ARGS:/(/ "@rx a" "id:6,phase:2,deny"
SecRule ARGS "@rx a" "id:7,phase:2,deny,chain"
"""
SECLANG_ERRORS = {
    "1:1: unknown directive `SecRulle`": ("SecRulle ARGS", "^"),
    "2:9: unknown variable `ARGZ`": ("SecRule ARGZ", "        ^"),
    "3:19: @rx: '(' without ')'": ('SecRule ARGS "@rx (a"', " " * 18 + "^"),
    "4:9: {folder}/gone.conf cannot be read: No such file or directory": ("Include gone.conf", "        ^"),
    "5:27: {folder}/gone.data cannot be read: No such file or directory": ("SecRule ARGS", " " * 26 + "^"),
    "6:27: {folder} cannot be read: Is a directory": ("SecRule ARGS", " " * 26 + "^"),
    "7:15: '(' without ')'": ("SecRule ARGS:/(/", " " * 14 + "^"),
    "8:41: the chain has no end": ("SecRule ARGS", " " * 40 + "^"),
}
"""Place and message; how the line begins that is shown, and the line with the caret."""

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
    "an exclusion of a rule that is not there": (
        GOOD.replace("upstream: web}}", "upstream: web, exclusions: [{{rules: [942101]}}]}}"),
        "revproxy.yaml:6:52: ",
        "there is no rule '942101' for http",
    ),
    "an exclusion of a field that is not there": (
        GOOD + "inspection:\n  exclusions: [{{tags: [sql], fields: ['arg:q']}}]\n",
        "revproxy.yaml:12:39: ",
        "unknown field `arg`",
    ),
    "SecLang with a jump to nowhere": (
        GOOD + "inspection: {{rules: [jump.conf]}}\n",
        "jump.conf:1:41: ",
        "no marker `END` comes after this rule",
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


def asked(verb, folder):
    """What `check` or `run` says to a wrong configuration in this folder."""
    done = subprocess.run(
        [*REVPROXY, verb, "-c", "revproxy.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "already in use" not in done.stderr
    assert "ready" not in done.stdout
    assert not (folder / "control.sock").exists()
    return done.stderr


@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize("case", CASES)
def test_says_where_and_binds_nothing(tmp_path, held, case, verb):
    text, place, word = CASES[case]
    (tmp_path / "revproxy.yaml").write_text(text.format(port=held, cache=CACHE))
    (tmp_path / "bad.yaml").write_text(SIGNATURE)
    (tmp_path / "jump.conf").write_text('SecRule ARGS "@rx a" "id:1,phase:2,pass,skipAfter:END"\n')
    said = asked(verb, tmp_path)
    assert f"{tmp_path / place}" in said
    assert word in said
    assert "^" in said


@pytest.mark.parametrize("verb", ["check", "run"])
def test_all_that_is_wrong_is_told_at_once(tmp_path, held, verb):
    """SecLang of one's own, a signature and a log: each error with its line and a caret under its column."""
    more = "inspection: {{signatures: [bad.yaml], rules: [mine.conf]}}\nlogs: {{access: 'file:.'}}\n"
    (tmp_path / "revproxy.yaml").write_text((GOOD + more).format(port=held, cache=CACHE))
    (tmp_path / "bad.yaml").write_text(SIGNATURE)
    (tmp_path / "mine.conf").write_text(SECLANG)
    said = asked(verb, tmp_path)
    lines = said.splitlines()
    for error, (begins, caret) in SECLANG_ERRORS.items():
        at = lines.index(f"{tmp_path}/mine.conf:{error.format(folder=tmp_path)}")
        assert lines[at + 1].startswith("  " + begins)
        assert lines[at + 2] == "  " + caret
    assert f"{tmp_path}/bad.yaml:4:5: " in said
    assert f"{tmp_path}/revproxy.yaml:12:" in said


def test_a_port_that_is_taken_is_told_too(tmp_path, held):
    """The counterpart: without a mistake in the file, `run` does try to bind."""
    (tmp_path / "revproxy.yaml").write_text(GOOD.format(port=held, cache=CACHE))
    command = [*REVPROXY, "run", "-c", "revproxy.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stderr
    assert f"listener web cannot listen on 127.0.0.1:{held}" in done.stderr
