from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from simulator import signature

from revproxy.app import update
from revproxy.app.order import SETTLE, Tried
from revproxy.app.supply import Outcome, Supply
from revproxy.config.loading import load
from revproxy.updates.feeds import Source
from tests.app.answering import running

CONFIG = """\
listeners: [{name: web, kind: http, bind: "127.0.0.1:0"}]
upstreams: {inside: "127.0.0.1:1"}
routes: [{path: /, upstream: inside}]
inspection: {signatures: ["feed:ours"]}
feeds: {folder: feeds}
control: {path: control.sock}
cache: cache
"""


@pytest.fixture
def file(tmp_path, simulator):
    path = tmp_path / "revproxy.yaml"
    path.write_text(CONFIG)
    simulator.publish()
    supply = Supply(str(path), load(path).settings, lambda *_: Tried(1, 2, ""))
    supply.add("", Source(str(simulator.public), "ours"), simulator.root)
    return str(path)


def test_one_look(file, simulator, monkeypatch):
    monkeypatch.setattr(update, "configure", lambda *_: None)
    assert update.main([file]) == 0
    simulator.publish(signature("two"))
    assert update.main([file]) == 0
    feeds = Supply(file, load(file).settings).feeds
    assert feeds.history()[-1]["outcome"] == "staged"
    simulator.publish(signature("three", match="harmless indeed"))
    assert update.main([file]) == 1
    # It was refused; nobody asks again.
    assert update.main([file]) == 0


def test_a_configuration_that_is_wrong(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(update, "configure", lambda *_: None)
    with caplog.at_level(logging.ERROR):
        assert update.main([str(tmp_path / "missing.yaml")]) == 1
    assert "no update" in caplog.text


def test_what_goes_to_the_log(file, simulator, monkeypatch, caplog):
    monkeypatch.setattr(update, "configure", lambda *_: None)
    with caplog.at_level(logging.INFO):
        assert update.main([file]) == 0
        assert not caplog.records
        simulator.publish(signature("three", match="harmless indeed"))
        assert update.main([file]) == 1
    (record,) = caplog.records
    assert (record.levelno, "ours: refused: samples" in record.getMessage()) == (logging.ERROR, True)


def test_one_that_meets_another(file, monkeypatch, caplog):
    monkeypatch.setattr(update, "configure", lambda *_: None)
    feeds = Supply(file, load(file).settings).feeds
    with feeds.locked(), caplog.at_level(logging.INFO):
        assert update.main([file]) == 0
    assert [record.levelno for record in caplog.records] == [logging.INFO]


def test_what_was_decided_is_carried_out(file, monkeypatch, caplog):
    monkeypatch.setattr(update, "configure", lambda *_: None)
    answers = iter([None, Outcome("ours", "held", "it denies too much")])
    monkeypatch.setattr(update.StagedSupply, "settle", lambda _self: next(answers))
    with caplog.at_level(logging.INFO):
        assert update.main([file, SETTLE]) == 0
        assert not caplog.records
        assert update.main([file, SETTLE]) == 0
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "ours: held: it denies too much")


def test_what_was_decided_waits_for_an_update(file, tmp_path):
    """By processes, as they are started: no error, and what was decided is asked for when the other one is done."""
    feeds, nothing = Supply(file, load(file).settings).feeds, {"ok": True, "result": {}}
    words = [sys.executable, "-m", "revproxy.app.update", file, SETTLE]
    with running(tmp_path / "control.sock", nothing) as asked:
        with feeds.locked():
            settling = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
            while f" {settling.pid} " not in Path("/proc/locks").read_text():
                with pytest.raises(subprocess.TimeoutExpired):
                    settling.wait(0.05)
            assert asked == []
        _, said = settling.communicate(timeout=60)
    assert (settling.returncode, said, asked) == (0, "", ["staging"])
