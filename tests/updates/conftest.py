"""A simulated repository (`simulator`), and a client of it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[None]]:
    """While it lasts so many files get to disk, and no more."""

    @contextmanager
    def full(room: int) -> Iterator[None]:
        left = [room]

        def fsync(descriptor: int) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", fsync)
            yield

    return full
