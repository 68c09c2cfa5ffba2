"""Settings with a small file of signatures and folders of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revproxy.config import Settings
from revproxy.config.settings import Address, Inspection, Listener, ListenerKind, Log, Logs, Route, Upstream

SIGNATURES = """
signatures:
  - id: {name}
    name: an attack
    why: a test needs one
    references: [CWE-20]
    protocols: [http]
    fields: [{field}]
    match:
      any:
        - rx: 'attack-[0-9]'
    severity: critical
    samples:
      match:
        - args: {q: "attack-1"}
      pass:
        - args: {q: "harmless"}
"""


@pytest.fixture
def signatures(tmp_path: Path) -> str:
    """A file with one signature."""
    file = tmp_path / "signatures.yaml"
    file.write_text(SIGNATURES.replace("{name}", "one").replace("{field}", "args"))
    return str(file)


@pytest.fixture
def settings(tmp_path: Path, signatures: str) -> Callable[..., Settings]:
    """Makes settings; what is given replaces what stands here."""

    def make(port: int = 1, **more: Any) -> Settings:
        usual = {
            "listeners": (Listener("web", ListenerKind.HTTP, Address("127.0.0.1", 0)),),
            "upstreams": (Upstream("inside", Address("127.0.0.1", port)),),
            "routes": (Route("all", "inside"),),
            "inspection": Inspection(signatures=(signatures,)),
            "logs": Logs(Log(f"file:{tmp_path}/access.log"), Log(f"file:{tmp_path}/audit.log")),
            "spool": str(tmp_path / "spool"),
            "cache": str(tmp_path / "cache"),
        }
        return Settings(**{**usual, **more})  # type: ignore[arg-type]

    return make
