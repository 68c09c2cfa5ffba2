"""Settings with a small file of signatures and folders of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "updates"))

from simulator import Simulator

from revproxy.app.order import Order
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

CONFIG = """\
listeners:
  - {name: web, kind: http, bind: "127.0.0.1:0"}
upstreams: {inside: "127.0.0.1:1"}
routes:
  - {path: /, upstream: inside}
inspection: INSPECTION
feeds: {folder: feeds}
cache: cache
"""


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    """A feed on disk with the roles `ours` and `crs`."""
    return Simulator(tmp_path / "feed")


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


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Order]:
    """`order(files, ...)`: an order to try these files as a set of the feed `ours`."""

    def make(
        kind: str = "seclang",
        inspection: str = "{signatures: [], rules: ['feed:ours']}",
        memory: int = 2**32,
        cpu: int = 600,
        **files: str,
    ) -> Order:
        (tmp_path / "revproxy.yaml").write_text(CONFIG.replace("INSPECTION", inspection))
        place = tmp_path / "set"
        place.mkdir()
        for name, text in files.items():
            (place / name.replace("_", ".")).write_text(text)
        return Order(str(tmp_path / "revproxy.yaml"), "ours", kind, str(place), memory, cpu)

    return make
