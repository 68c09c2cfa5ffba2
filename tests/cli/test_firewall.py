from pathlib import Path

import pytest
from click.testing import CliRunner

from revproxy import dmz
from revproxy.cli import cli
from revproxy.errors import RevproxyError

DATA = Path(__file__).resolve().parents[1] / "data" / "dmz"


def run(*arguments, **more):
    return CliRunner().invoke(cli, ["firewall", "-c", str(DATA / "revproxy.yaml"), *arguments], **more)


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["--for", "outer"], "outer"),
        (["--for", "inner"], "inner"),
        (["--for", "outer", "--layout", "three-legged"], "three-legged"),
        (["--for", "inner", "--layout", "three-legged"], "three-legged"),
        (["--for", "host", "--layout", "three-legged"], "host"),
    ],
)
def test_printed(arguments, file):
    done = run(*arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (DATA / f"{file}.nft").read_text()


def test_in_force():
    done = run("--for", "host", "--check", "--listing", str(DATA / "host.json"))
    assert (done.exit_code, done.stdout) == (0, "table revproxy_host is in force as it should be\n")


def test_in_force_by_standard_input():
    changed = (DATA / "host.json").read_text().replace('"right": 6379', '"right": 6380')
    done = run("--for", "host", "--check", "--listing", "-", input=changed)
    assert done.exit_code == 1
    assert [line.partition("tcp dport")[0::2] for line in done.stdout.splitlines()] == [
        ("- chain output: ip daddr 10.0.5.20 ", ' 6379 ct state new counter accept comment "redis"'),
        ("+ chain output: ip daddr 10.0.5.20 ", ' 6380 ct state new counter accept comment "redis"'),
    ]


def test_of_this_machine(monkeypatch):
    monkeypatch.setattr(dmz, "in_force", (DATA / "host.json").read_text)
    assert run("--for", "host", "--check").exit_code == 0
    done = run("--for", "inner", "--check")
    assert (done.exit_code, done.stdout) == (1, "- table revproxy_inner: nothing of it is in force\n")


def test_nothing_to_compare_with(monkeypatch):
    def broken():
        raise RevproxyError("nft is not installed")

    monkeypatch.setattr(dmz, "in_force", broken)
    done = run("--for", "host", "--check")
    assert (done.exit_code, done.stderr) == (1, "revproxy: nft is not installed\n")


@pytest.mark.parametrize("arguments", [[], ["--for", "dmz"], ["--for", "host", "--listing", "-"]])
def test_wrong_use(arguments):
    assert run(*arguments).exit_code == 2


def test_a_configuration_that_a_firewall_cannot_hold(tmp_path):
    path = tmp_path / "revproxy.yaml"
    path.write_text((DATA / "revproxy.yaml").read_text().replace("10.0.0.6:25", "mail.internal:25"))
    done = CliRunner().invoke(cli, ["firewall", "-c", str(path), "--for", "host"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{path}:11:9: upstream mail is at 'mail.internal', which is a name" in done.stderr
