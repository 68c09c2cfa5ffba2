from __future__ import annotations

import logging

import pytest
from simulator import signature

from revproxy.app import update
from revproxy.app.order import Tried
from revproxy.app.supply import Supply
from revproxy.config.load import load
from revproxy.updates.feeds import Source

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
    assert feeds.history()[-1]["outcome"] == "in force"
    simulator.publish(signature("three", match="harmless indeed"))
    assert update.main([file]) == 1
    # It was refused; nobody asks again.
    assert update.main([file]) == 0


def test_a_configuration_that_is_wrong(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(update, "configure", lambda *_: None)
    with caplog.at_level(logging.ERROR):
        assert update.main([str(tmp_path / "missing.yaml")]) == 1
    assert "no update" in caplog.text
