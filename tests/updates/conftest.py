"""A simulated repository (`simulator`), and a client of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from simulator import Believer, Simulator


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    return Simulator(tmp_path / "feed")


@pytest.fixture
def believer(simulator: Simulator, tmp_path: Path) -> Believer:
    """Has accepted the first set."""
    simulator.publish()
    made = Believer(simulator, tmp_path / "client")
    assert made.look().versions["ours"] == 2
    return made
