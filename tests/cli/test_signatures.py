import json

import pytest
from click.testing import CliRunner

from revproxy.cli import cli

GOOD = """signatures:
  - id: word-abc
    name: The word abc
    why: it is only an example
    references: [CWE-20]
    protocols: [http]
    fields: [args, "headers:user-agent", "!headers:cookie"]
    transformations: [lowercase]
    match:
      any: [{contains: abc}]
      not: [{rx: xyz}]
    severity: notice
    samples:
      match: [{args: {q: xABCx}}, {headers: {user-agent: abc}}]
      pass: [{args: {q: ab}}, {args: {q: abcxyz}}]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def go(text, *arguments):
        (tmp_path / "a.yaml").write_text(text)
        return CliRunner().invoke(cli, ["signatures", *arguments, str(tmp_path)])

    return go


def test_list(run):
    result = run(GOOD, "list")
    assert result.exit_code == 0
    assert "word-abc" in result.output
    assert "notice" in result.output
    assert result.output == "word-abc\tnotice\thttp\tThe word abc\n"


def test_a_list_for_a_pipe_has_one_line_each_however_long(run):
    long = "a long name " * 20
    result = run(GOOD.replace("The word abc", long), "list")
    assert [line.count("\t") for line in result.output.splitlines()] == [3]


@pytest.mark.parametrize(
    ("action", "said"),
    [("", "notice: scores 2\n"), ("    action: deny\n", "denies by itself"), ("    action: drop\n", "drops the")],
)
def test_show_says_what_a_match_does(run, action, said):
    result = run(GOOD.replace("    severity: notice\n", "    severity: notice\n" + action), "show", "word-abc")
    assert said in result.output
    assert "allow" not in result.output


def test_tests_keep_what_they_compile(run, tmp_path):
    assert run(GOOD, "test").exit_code == 0
    assert list((tmp_path / "cache/revproxy").iterdir())


@pytest.mark.parametrize("verb", ["list", "show", "test"])
def test_help_has_examples_and_exit_codes(verb):
    said = CliRunner().invoke(cli, ["signatures", verb, "--help"]).output
    assert f"revproxy signatures {verb}" in said
    assert "Exit codes: 0 done, 1 " in said


def test_show(run):
    result = run(GOOD, "show", "word-abc")
    assert result.exit_code == 0
    for words in ("phase       body", "!headers:cookie", "contains abc", "not rx xyz", "lowercase", "a.yaml:2:5"):
        assert words in result.output


def test_show_what_is_not_there(run):
    result = run(GOOD, "show", "word-abd")
    assert result.exit_code == 2
    assert "did you mean word-abc?" in result.output
    assert "signatures list" in run(GOOD, "show", "zzz").output


SECLANG = 'SecRule ARGS "@rx attack" "id:100,phase:2,deny,severity:WARNING,msg:\'an attack\'"\n'


def test_seclang_rules(run, tmp_path):
    (tmp_path / "mine.conf").write_text(SECLANG)
    rules = ("--rules", str(tmp_path / "mine.conf"))
    assert run(GOOD, "list", *rules).output == "word-abc\tnotice\thttp\tThe word abc\n100\twarning\thttp\tan attack\n"
    alone = CliRunner().invoke(cli, ["signatures", "list", *rules])
    assert alone.output == "100\twarning\thttp\tan attack\n"
    assert "args.plain (ARGS)" in run(GOOD, "show", "100", *rules).output
    told = json.loads(run(GOOD, "show", "100", "--json", *rules).output)
    assert (told["id"], told["origin"]) == ("100", f"{tmp_path}/mine.conf:1:1")
    near = CliRunner().invoke(cli, ["signatures", "show", "101", *rules])
    assert (near.exit_code, "did you mean 100?" in near.output) == (2, True)


def test_rules_of_a_configuration(run, tmp_path):
    (tmp_path / "mine.conf").write_text(SECLANG)
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "revproxy.yaml").write_text(
        "listeners: [{name: w, kind: http, bind: '127.0.0.1:80'}]\nupstreams: {app: 'h:1'}\n"
        "inspection: {signatures: [a.yaml], rules: [mine.conf]}\n"
    )
    configured = ("-c", str(tmp_path / "revproxy.yaml"))
    for name in ("100", "word-abc"):
        done = CliRunner().invoke(cli, ["signatures", "show", name, *configured])
        assert (done.exit_code, done.output[: len(name)]) == (0, name)
    assert run(GOOD, "show", "100", *configured).exit_code == 2


def test_samples_pass(run):
    result = run(GOOD, "test")
    assert result.exit_code == 0, result.output
    assert result.output == "4 passed, 0 failed, 0 skipped\n"


def test_a_failed_sample_is_named(run):
    result = run(GOOD.replace("q: ab}", "q: abc}"), "test")
    assert result.exit_code == 1
    assert "a.yaml:15:" in result.output
    assert "word-abc matches this sample: args:q=abc" in result.output
    assert result.output.endswith("3 passed, 1 failed, 0 skipped\n")


def test_a_rule_that_always_runs_is_reported(run):
    result = run(
        GOOD.replace("any: [{contains: abc}]\n", "all: [{gt: 5}]\n")
        .replace("xABCx", "'6'")
        .replace("agent: abc", "agent: '7'"),
        "test",
    )
    assert "runs on every transaction" in result.output


def test_a_wrong_signature_is_exit_code_2(run):
    result = run(GOOD.replace("contains", "contain"), "test")
    assert result.exit_code == 2
    assert "a.yaml:10:14: unknown operator `contain`" in result.output


def test_a_missing_file_is_exit_code_2():
    assert CliRunner().invoke(cli, ["signatures", "list", "/nowhere/a.yaml"]).exit_code == 2


def test_samples_of_no_signatures(run, tmp_path):
    result = run("signatures: []\n", "test")
    assert (result.exit_code, result.output) == (2, f"{tmp_path}: there are no signatures in it\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/b.yaml").write_text(GOOD)
    # Named one by one, the one is not made good by the other.
    result = run("signatures: []\n", "test", str(tmp_path / "more"), str(tmp_path / "a.yaml"))
    assert result.exit_code == 2
    assert f"{tmp_path / 'a.yaml'}: there are no signatures in it" in result.output
