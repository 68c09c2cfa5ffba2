"""Linking anew what was linked onto others; the supervisor that is asked is the test's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revproxy.app import whole
from revproxy.app.linking import kept_rules, linked_rules
from revproxy.config.loading import load

CONFIG = """\
listeners: [{name: web, kind: http, bind: "127.0.0.1:0"}]
upstreams: {inside: "127.0.0.1:1"}
routes: [{path: /, upstream: inside}]
inspection: {signatures: [signatures.yaml, more.yaml]}
control: {path: control.sock}
cache: cache
"""


@pytest.fixture
def file(tmp_path: Path, signatures: str) -> str:
    """A configuration whose rules are kept, linked onto others."""
    path = tmp_path / "revproxy.yaml"
    path.write_text(CONFIG)
    text = Path(signatures).read_text()
    (tmp_path / "more.yaml").write_text(text.replace("id: one", "id: two"))
    before = linked_rules(load(path).settings).rules
    (tmp_path / "more.yaml").write_text(text.replace("id: one", "id: two").replace("attack-[0-9]", "other-[0-9]"))
    patched = linked_rules(load(path).settings, before=lambda: before).rules
    assert patched.patched
    return str(path)


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`main(file, answer)`: run it with this answer of the supervisor, without what a process cannot take back."""

    def run(file: str, answer: dict[str, Any]) -> int:
        monkeypatch.setattr(whole, "ask", lambda *_: answer)
        return whole.main([file])

    for name in ("configure", "bound", "settle"):
        monkeypatch.setattr(whole, name, lambda *_: None)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    return run


def test_it_is_linked_anew_once(file: str, main: Callable[..., int]) -> None:
    before = kept_rules(load(file).settings)
    assert before is not None
    for _ in range(2):
        assert main(file, {"ok": True, "result": {"ruleset": "x"}}) == 0
        after = kept_rules(load(file).settings)
        assert after is not None
        assert (after.patched, after.name, after.rules) == (False, before.name, before.rules)


def test_a_supervisor_that_does_not_take_it(
    file: str, main: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(file, {"ok": False, "error": "the configuration was changed"}) == 1
    assert "the configuration was changed" in caplog.text


def test_a_configuration_that_is_wrong(file: str, main: Callable[..., int], caplog: pytest.LogCaptureFixture) -> None:
    Path(file).write_text("nonsense: 1\n")
    assert main(file, {}) == 1
    assert "not linked anew" in caplog.text
