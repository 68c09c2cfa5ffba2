"""What makes a proposal look like one attack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from revproxy.app.proposing import Demands, Denial
from revproxy.app.proposing.evidence import PROBES, Weighing, network

from .conftest import HOUR, Make

DEMANDS = Demands(5, 3, HOUR)


@pytest.mark.parametrize(
    ("address", "one", "wide"),
    [
        ("192.0.2.9", "192.0.2.9/32", "192.0.2.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("", "", ""),
        ("unix", "unix", "unix"),
    ],
)
def test_what_counts_as_one(address: str, one: str, wide: str) -> None:
    assert (network(address), network(address, 24, 48)) == (one, wide)


@pytest.mark.parametrize(
    ("change", "marks"),
    [
        ({}, ()),
        ({"client": "192.0.2.1"}, ("one client",)),
        ({"at": 5.0}, ("a short time",)),
        ({"at": 5.0, "client": "192.0.2.1"}, ("one client", "a short time")),
    ],
)
def test_marks(denials: Make, change: dict[str, object], marks: tuple[str, ...]) -> None:
    made = denials(500, **change)
    assert Weighing(made, DEMANDS).weigh(made).marks == marks
    assert Weighing(made, DEMANDS).rests(made) is (not marks)


def with_clients(denials: Make, clients: list[str]) -> list[Denial]:
    return [replace(one, client=clients[at % len(clients)]) for at, one in enumerate(denials(100))]


@pytest.mark.parametrize(
    ("clients", "marks"),
    [
        (["192.0.2.1", "198.51.100.1"], ("few clients",)),
        (["192.0.2.1", "192.0.2.2"], ("few clients", "one network")),
        ([f"192.0.2.{n}" for n in range(50)], ("one network",)),
        ([f"2001:db8::{n}" for n in range(50)], ("one client",)),
        ([f"2001:db8:0:{n}::1" for n in range(50)], ("one network",)),
        (["192.0.2.1", "198.51.100.1", "203.0.113.1"], ()),
    ],
)
def test_clients(denials: Make, clients: list[str], marks: tuple[str, ...]) -> None:
    made = with_clients(denials, clients)
    assert Weighing(made, DEMANDS).weigh(made).marks == marks


def test_whoever_probes_is_no_evidence(denials: Make) -> None:
    honest = denials(4)
    probes = [
        replace(one, client=f"203.0.{at}.1", key=f"k{key}" if key else "q")
        for at in range(20)
        for key, one in enumerate(denials(PROBES))
    ]
    weighing = Weighing([*honest, *probes], DEMANDS)
    same = [one for one in probes if one.key == "q"]
    found = weighing.weigh([*honest, *same])
    assert (found.transactions, found.clients) == (24, 4)
    assert weighing.weigh(same).marks[0] == "only clients that were denied for many other things"
    fewer = [one for one in probes if one.key != "k7"]
    assert Weighing(fewer, DEMANDS).weigh([*honest, *same]).clients == 24


def test_the_same_request_in_two_logs_is_one(denials: Make) -> None:
    made = denials(4)
    weighing = Weighing(made * 2, DEMANDS)
    assert weighing.weigh(made * 2).transactions == 4
    assert not weighing.rests(made * 2)
    assert not weighing.rests([])


def test_the_order_is_not_by_how_often(denials: Make) -> None:
    often, wide = denials(1_000, client="192.0.2.1"), denials(5)
    weighing = Weighing([*often, *wide], DEMANDS)
    assert weighing.weigh(wide).rank > weighing.weigh(often).rank
