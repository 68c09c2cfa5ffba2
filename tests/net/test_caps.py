"""Caps: counters that come back to zero, and no more than the most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import LimitError
from revproxy.model import Caps
from revproxy.net.caps import Budget, Connections


def test_connections_are_capped_by_address_and_over_all() -> None:
    connections = Connections(Caps(connections=3, connections_per_address=2))
    first, second = connections.admit("192.0.2.1"), connections.admit("192.0.2.1")
    assert first is not None
    assert second is not None
    assert connections.admit("192.0.2.1") is None
    third = connections.admit("192.0.2.2")
    assert third is not None
    assert connections.admit("192.0.2.3") is None
    first.release()
    first.release()
    assert (connections.total, connections.of("192.0.2.1")) == (2, 1)
    assert connections.admit("192.0.2.3") is not None


def test_an_ipv6_subscriber_is_a_64() -> None:
    connections = Connections(Caps(connections_per_address=1))
    assert connections.admit("2001:db8::1") is not None
    assert connections.admit("2001:db8::ffff:1%eth0") is None
    assert connections.admit("2001:db8:0:1::1") is not None
    assert connections.admit("::ffff:192.0.2.1") is not None
    assert connections.admit("192.0.2.1") is None


@given(st.lists(st.integers(0, 40)))
def test_a_budget_is_never_over_its_most(sizes: list[int]) -> None:
    budget = Budget("memory_bytes", 100)
    taken = [size for size in sizes if budget.take(size)]
    assert budget.used == sum(taken) <= 100
    assert budget.refused == len(sizes) - len(taken)
    for size in taken:
        budget.give(size)
    assert budget.used == 0


def test_a_demand_names_its_limit() -> None:
    with pytest.raises(LimitError) as caught:
        Budget("spool_bytes", 1).demand(2)
    assert caught.value.limit == "spool_bytes"
