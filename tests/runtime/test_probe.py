from __future__ import annotations

import asyncio
import threading

import pytest

from revproxy.audit.metrics import Histogram
from revproxy.runtime.probe import INTERVAL, WINDOW, Probe, memory_bytes


def test_memory_is_that_of_a_python_process():
    assert 5_000_000 < memory_bytes() < 5_000_000_000


async def test_a_held_loop_shows():
    histogram = Histogram()
    probe = Probe(histogram)
    task = asyncio.create_task(probe.run())
    await asyncio.sleep(0)
    threading.Event().wait(INTERVAL + 0.1)
    await asyncio.sleep(0.01)
    task.cancel()
    assert 0.1 <= probe.lag() < 5
    assert histogram.total == pytest.approx(probe.lag())
    assert sum(histogram.counts) == 1


def test_the_worst_is_remembered_for_one_window_at_least_and_two_at_most():
    probe = Probe(Histogram())
    probe.note(0.5)
    for _ in range(WINDOW):
        probe.note(0.001)
    assert probe.lag() == 0.5
    for _ in range(WINDOW):
        probe.note(0.001)
    assert probe.lag() == 0.001
