"""What lets others go on must not be compiled itself."""

from __future__ import annotations

import runpy
from pathlib import Path

from revproxy.detection.engine import turns


def test_it_is_never_compiled() -> None:
    assert turns.__file__.endswith(".py")
    assert turns.turn.__code__.co_flags
    root = Path(__file__).resolve().parents[3]
    table = (root / "setup.py").read_text("utf-8")
    assert '"turns"' not in table
    assert runpy.run_path(turns.__file__)["turn"]() is None
