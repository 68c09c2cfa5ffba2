"""Threads beside the loop are nicer than the loop, and work where they cannot be."""

from __future__ import annotations

import os

import pytest

from revproxy.inspection import aside as module
from revproxy.inspection.aside import NICE, aside


def own() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def test_a_thread_gives_way_and_nobody_else_does() -> None:
    before = own()
    with aside(1, "test") as threads:
        assert threads.submit(own).result() == min(before + NICE, 19)
    assert own() == before


def test_a_thread_that_may_not_give_way_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(module.os, "nice", refused)
    with aside(1, "test") as threads:
        assert threads.submit(own).result() == own()
