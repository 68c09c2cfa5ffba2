"""Denials with what does not matter filled in."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from revproxy.app.proposing import Denial

Make = Callable[..., list[Denial]]
HOUR = 3_600.0


@pytest.fixture
def denials() -> Make:
    """Makes `count` denials, an hour apart, each of a client and a network of its own; `more` replaces fields."""
    ids = itertools.count(1)

    def make(count: int = 5, **more: Any) -> list[Denial]:
        usual = {
            "protocol": "http",
            "route": "shop",
            "rule": "one",
            "field": "args",
            "key": "q",
            "target": "/search?q=x",
        }
        usual |= {"score": 5, "total": 5, "method": "GET", "host": "shop.example", "excerpt": "x"}
        made = []
        for at in range(count):
            of_own = {"id": f"T{next(ids)}", "at": at * HOUR, "client": f"198.51.{at}.1"}
            made.append(Denial(**{**usual, **of_own, **more}))
        return made

    return make
