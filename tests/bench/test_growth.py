"""The benchmark of growth measures what it says: bodies of the size asked for, and ratios of their costs."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from bench.growth import KINDS, REFUSALS, Grown
from bench.loads import Maker
from revproxy.model import ContentLimits


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_a_body_has_about_the_size_asked_for(kind: str, size: int) -> None:
    head, _, body = KINDS[kind](Maker(1), size).partition(b"\r\n\r\n")
    assert head.endswith(b"Content-Length: %d" % len(body))
    assert 0.75 * size <= len(body) <= 1.05 * size


@pytest.mark.parametrize("kind", ["form", "json", "multipart"])
def test_a_megabyte_stays_under_the_limits(kind: str) -> None:
    body = KINDS[kind](Maker(1), 1_000_000).partition(b"\r\n\r\n")[2]
    limits = ContentLimits()
    counted = {
        "form": (len(parse_qs(body)) if kind == "form" else 0, limits.arguments),
        "json": (len(json.loads(body)) if kind == "json" else 0, limits.arguments),
        "multipart": (body.count(b"Content-Disposition"), limits.parts),
    }
    count, most = counted[kind]
    assert most / 2 < count < most


def test_no_body_comes_twice() -> None:
    make = Maker(1)
    for kind in KINDS.values():
        assert kind(make, 10_000) != kind(make, 10_000)


def test_the_ratio_is_of_the_most_expensive_size_to_the_cheapest() -> None:
    assert Grown({10: 4.0, 20: 2.0, 30: 3.0}).ratio == 2.0
    assert Grown({10: 4.0, 20: 2.0, 30: 3.0}).row("a").split() == ["a", "4.0", "2.0", "3.0", "2.00", "1.50", "met"]
    assert Grown({10: 1.0, 20: 2.1}).row("a").endswith("NOT MET")


def test_growth_is_only_what_larger_sizes_cost_more() -> None:
    assert Grown({10: 4.0, 20: 2.0, 30: 3.0}).growth == 1.5
    assert Grown({10: 4.0, 20: 2.0}).growth == 1.0


def test_what_is_to_be_refused_is_over_the_limits() -> None:
    limits = ContentLimits()
    fields, depth = (made(Maker(1), count).partition(b"\r\n\r\n")[2] for made, count in REFUSALS.values())
    assert fields.count(b"=") > limits.arguments
    assert len(depth) - len(depth.lstrip(b"[")) > limits.json_depth
