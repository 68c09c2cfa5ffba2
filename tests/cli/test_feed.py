from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from revproxy import cli
from revproxy.cli import feed

TEXT = (Path(__file__).parents[2] / "signatures/xml.yaml").read_text()


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.yaml").write_text(TEXT)

    def call(*words, code=0):
        done = CliRunner().invoke(cli.cli, ["feed", words[0], str(tmp_path / "feed"), *map(str, words[1:])])
        assert done.exit_code == code, done.output
        return done.output

    return call


def signed(tmp_path, name):
    return json.loads((tmp_path / "feed/public/metadata" / name).read_bytes())["signed"]


def test_the_life_of_a_feed(run, tmp_path):
    assert "1.root.json" in run("init", "--role", "ours", "--root-keys", "3", "--root-threshold", "2")
    assert len(list((tmp_path / "feed/keys").iterdir())) == 7
    assert run("publish", "ours", tmp_path / "set", "--version", "2026.11").startswith("ours 2026.11: ")
    assert run("publish", "ours", tmp_path / "set").startswith("ours 20")
    assert "timestamp are new" in run("publish")
    assert signed(tmp_path, "timestamp.json")["version"] == 4
    assert "ours has the key" in run("add-key", "ours", "--threshold", "2")
    assert "house has the key" in run("add-key", "house", "--new")
    assert "counts no more" in run("rotate", "timestamp")
    root = signed(tmp_path, "2.root.json")["roles"]["root"]["keyids"]
    run("rotate", "root", "--key", root[0][:8])
    assert root[0] not in signed(tmp_path, "3.root.json")["roles"]["root"]["keyids"]


def test_what_is_refused(run, tmp_path):
    run("init", "--role", "ours")
    assert "a feed already" in run("init", "--role", "ours", code=2)
    assert "which folder" in run("publish", "ours", code=2)
    assert "no role 'mine'" in run("publish", "mine", tmp_path / "set", code=2)
    (next((tmp_path / "feed/keys").glob("timestamp.*"))).unlink()
    said = run("publish", code=1)
    assert "timestamp: it has 0 of 1 signatures" in said
    assert f"hint: looked for in {tmp_path / 'feed/keys'}; `--keys FOLDER`" in said


def test_a_set_that_no_client_would_take(run, tmp_path):
    run("init", "--role", "ours")
    assert "cannot be the version" in run("publish", "ours", tmp_path / "set", "--version", "a b", code=2)
    (tmp_path / "set/a.yaml").write_text("{")
    assert "compile: " in run("publish", "ours", tmp_path / "set", code=1)
    assert signed(tmp_path, "timestamp.json")["version"] == 1
    run("publish", "ours", tmp_path / "set", "--untried")
    assert signed(tmp_path, "timestamp.json")["version"] == 2


def test_no_feed(run, tmp_path):
    for words in (("publish",), ("publish", "ours", tmp_path / "set"), ("rotate", "root"), ("add-key", "root")):
        said = run(*words, code=2)
        assert "there is no feed here" in said
        assert "hint: revproxy feed init" in said
    assert not (tmp_path / "feed").exists()


def test_more_signatures_than_keys(run):
    assert "can never give 2" in run("init", "--role", "ours", "--root-threshold", "2", code=2)
    run("init", "--role", "ours")
    assert "2 keys can never give 9" in run("add-key", "ours", "--threshold", "9", code=2)


def test_keys_elsewhere_with_a_passphrase(run, tmp_path, monkeypatch):
    monkeypatch.setenv("REVPROXY_FEED_PASSPHRASE", "secret")
    run("init", "--role", "ours", "--keys", tmp_path / "stick")
    run("publish", "ours", tmp_path / "set", "--keys", tmp_path / "stick")
    monkeypatch.delenv("REVPROXY_FEED_PASSPHRASE")
    assert "REVPROXY_FEED_PASSPHRASE" in run("publish", "--keys", tmp_path / "stick", code=1)


def test_keys_that_are_brought_count_besides_those_that_are_there(run, tmp_path):
    run("init", "--role", "ours")
    drawer, new = tmp_path / "drawer", tmp_path / "new"
    drawer.mkdir()
    for key in [*(tmp_path / "feed/keys").glob("root.*"), *(tmp_path / "feed/keys").glob("targets.*")]:
        key.rename(drawer / key.name)
    assert "root: it has 0 of 1" in run("rotate", "timestamp", code=1)
    said = run("rotate", "timestamp", "--keys", tmp_path / "feed/keys", "--keys", drawer)
    (path,) = [path for path in (tmp_path / "feed/keys").glob("timestamp.*") if path.name.split(".")[1] in said]
    assert f", in {path}; the old one counts no more" in said
    said = run("rotate", "root", "--keys", new, "--keys", drawer)
    assert f", in {next(new.iterdir())}; " in said
    assert run("add-key", "house", "--new", "--keys", drawer).startswith("house has the key ")
    assert len(list(drawer.glob("house.*"))) == 1


def test_what_expires_soon_is_told_by_whoever_signs_daily(run, tmp_path, monkeypatch):
    run("init", "--role", "ours")
    assert run("publish") == "snapshot and timestamp are new\n"

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=days)

    monkeypatch.setattr(feed, "datetime", Later)
    days = 151
    assert "ours is good until " in (said := run("publish"))
    assert said.count("publish its set again") == said.count("is good until") == 1
    assert "is good" not in run("publish", "ours", tmp_path / "set", "--version", "2")
    days = 336
    said = run("publish")
    assert [line.partition(" ")[0] for line in said.splitlines()[1:]] == ["root", "targets", "ours"]
    assert f"`revproxy feed rotate {tmp_path / 'feed'} targets` makes root and targets anew" in said
    run("rotate", "targets")
    assert [line.partition(" ")[0] for line in run("publish").splitlines()[1:]] == ["ours"]


def test_somebody_elses_public_key(run, tmp_path):
    run("init", "--role", "ours")
    (tmp_path / "public.pem").write_text("nonsense")
    assert "no public key" in run("add-key", "ours", "--public", tmp_path / "public.pem", code=2)
