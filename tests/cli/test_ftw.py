"""`signatures test --ftw`: options, output, exit codes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from revproxy.cli import cli

RULES = """signatures:
  - id: word-abc
    name: The word abc
    why: it is only an example
    references: [CWE-20]
    protocols: [http]
    fields: [args]
    match: {any: [{contains: abc}]}
    severity: notice
    samples: {match: [{args: {q: abc}}], pass: [{args: {q: ab}}]}
"""
TESTS = """rule_id: 5
tests:
  - test_id: 1
    stages: [{input: {uri: "/?q=abc", headers: {Host: a}}, output: {log: {expect_ids: [word-abc]}}}]
  - test_id: 2
    stages: [{input: {uri: "/?q=abc", headers: {Host: a}}, output: {log: {no_expect_ids: [word-abc]}}}]
  - test_id: 3
    stages: [{input: {uri: "/?q=abc"}, output: {log: {expect_ids: [word-abc]}}}]
  - test_id: 4
    stages: [{input: {uri: "/", headers: {Host: a}, response: {body: x}}, output: {status: 200}}]
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "tests.yaml").write_text(TESTS)
    (tmp_path / "known.yaml").write_text("failures: [{test: 5-2, why: a}, {test: 5-3, why: b}]")
    (tmp_path / "wrong.yaml").write_text("failures: [{test: 5-1, why: a}]")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["signatures", "test", *arguments])

    return run


def test_what_failed_and_the_sums(go) -> None:
    result = go("--ftw", "tests.yaml", "--rules", "rules.yaml", "--failures", "failed.txt")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "5-2 failed: word-abc fired (tests.yaml:6:14)",
        "5-3 refused: word-abc not among no rules at all (tests.yaml:8:14)",
        "refused by the protocol gate (1): 5-3",
        "1 passed, 2 failed, 1 skipped",
    ]
    assert Path("failed.txt").read_text() == "5-2\n5-3\n"


def test_known_failures(go) -> None:
    result = go("--ftw", "tests.yaml", "--rules", "rules.yaml", "--known", "known.yaml")
    assert result.exit_code == 0
    assert result.output.splitlines()[-2:] == ["failed as known (2): 5-2 5-3", "1 passed, 2 failed, 1 skipped"]
    result = go("--ftw", "tests.yaml", "--rules", "rules.yaml", "--known", "wrong.yaml", "--only", "5-1")
    assert result.exit_code == 1
    assert "known to fail, but passed (1): 5-1" in result.output


def test_a_single_one(go) -> None:
    result = go("--ftw", "tests.yaml", "--rules", "rules.yaml", "--only", "5-1")
    assert (result.exit_code, result.output) == (0, "1 passed, 0 failed, 0 skipped\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ftw", "tests.yaml"], "name the rules"),
        (["--ftw", "tests.yaml", "--url", "http://a"], "go together"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "--log", "x"], "go together"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "--only", "7-1"], "no test 7-1"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "more"], "with --ftw name them with --rules"),
        (["--rules", "rules.yaml"], "go with --ftw"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "--reflector", "127.0.0.1:0"], "goes with --url"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "--reflector", "here"], "not HOST:PORT"),
        (["--ftw", "rules.yaml", "--rules", "rules.yaml"], "rules.yaml:1:1: a file of tests has a list `tests`"),
        (["--ftw", "gone", "--rules", "rules.yaml"], "cannot be read"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "--known", "gone"], "cannot be read"),
        (["--ftw", "tests.yaml", "--url", "http://127.0.0.1", "--log", "gone"], "cannot be read"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "--failures", "no/such"], "cannot be written"),
        (["--ftw", "tests.yaml", "--rules", "rules.yaml", "--paranoia", "5"], "range"),
    ],
)
def test_wrong_use(go, arguments: list[str], words: str) -> None:
    result = go(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_log_without_a_marker_is_a_failure(go, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("log").touch()
    result = go("--ftw", "tests.yaml", "--url", "http://127.0.0.1:1", "--log", "log")
    assert result.exit_code == 1
    assert "does not answer a marker" in result.output


def test_the_internal_server_is_there_meanwhile(go) -> None:
    Path("log").touch()
    arguments = ["--ftw", "tests.yaml", "--url", "http://127.0.0.1:1", "--log", "log", "--reflector"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = go(*arguments, f"127.0.0.1:{taken.getsockname()[1]}")
    assert result.exit_code == 2
    assert "nothing can listen there" in result.output
    assert "does not answer a marker" in go(*arguments, "127.0.0.1:0").output
