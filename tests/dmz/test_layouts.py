"""Golden files of every layout, what nft says of them, and that no packet passes that nobody declared."""

from __future__ import annotations

import ipaddress
import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from revproxy.config import (
    Address,
    Administration,
    Listener,
    ListenerKind,
    Loaded,
    Services,
    Settings,
    Upstream,
    Zones,
    nowhere,
)
from revproxy.config.zones import wrong_places
from revproxy.dmz import Layout, Owners, Role, declared, heading, table
from tests.dmz.packets import Packet, taken

DATA = Path(__file__).resolve().parents[1] / "data" / "dmz"

MACHINES = {
    "outer": (Role.OUTER, Layout.DUAL),
    "inner": (Role.INNER, Layout.DUAL),
    "three-legged": (Role.OUTER, Layout.THREE_LEGGED),
    "host": (Role.HOST, Layout.DUAL),
}


@pytest.mark.parametrize("name", MACHINES)
def test_golden(flows, name):
    """Written by `revproxy firewall`; a change here is a change of what firewalls let through."""
    made = heading(flows, *MACHINES[name]) + table(flows, *MACHINES[name]).text()
    assert made == (DATA / f"{name}.nft").read_text()


@pytest.mark.parametrize("name", MACHINES)
def test_nft_takes_it_twice_and_replaces_only_its_own(listing, name):
    other = "table inet other {\n\tchain c {\n\t\taccept\n\t}\n}\n"
    found = json.loads(listing((DATA / f"{name}.nft").read_text()))["nftables"]
    # The file of another table is loaded twice as well, which adds a second rule to it; ours stays as it is.
    both = json.loads(listing(other, (DATA / f"{name}.nft").read_text()))["nftables"]
    count = Counter(next(iter(one)) for one in found)
    theirs = Counter(next(iter(one)) for one in both if "other" in json.dumps(one))
    assert theirs == {"table": 1, "chain": 1, "rule": 2}
    assert Counter(next(iter(one)) for one in both) == count + theirs


def test_one_firewall_is_outer_and_inner(flows):
    one = table(flows, Role.OUTER, Layout.THREE_LEGGED)
    assert one == table(flows, Role.INNER, Layout.THREE_LEGGED)
    assert heading(flows, Role.OUTER, Layout.THREE_LEGGED) == heading(flows, Role.INNER, Layout.THREE_LEGGED)


def test_nobody_to_log_in_is_told():
    flows = declared(Loaded(made([], [], []), (), (), nowhere))
    assert "Nobody can log in" in heading(flows, Role.HOST, Layout.DUAL)


# ---- no packet that nobody declared

OURS = ("10.0.5.10", "2001:db8:d::10")
PLACES = (
    *OURS, "10.0.5.1", "10.0.5.255", "10.0.6.0", "10.0.4.255", "10.0.0.200", "10.0.16.0", "198.51.100.7",
    "2001:db8:d::1", "2001:db8:d:1::", "fd00:10::5", "fd00:11::",
)  # fmt: skip
PORTS = (22, 53, 80)
ZONES = Zones(dmz=("10.0.5.0/24", "2001:db8:d::/64"), internal=("10.0.0.0/20", "fd00:10::/64"))
NO_SERVICES = Services()


EXTERNAL = ("198.51.100.0/24",)


def zone(address: str, s: Settings) -> str:
    """Another way to say what `ZONES` says."""
    number = ipaddress.ip_address(address)
    if str(number).startswith(("10.0.5.", "2001:db8:d::")):
        return "dmz"
    inside = number.version == 4 and str(number).startswith("10.0.") and number.packed[2] < 16
    if inside or str(number).startswith("fd00:10::"):
        return "internal"
    return "external" if s.zones.external != EXTERNAL or str(number).startswith("198.51.100.") else "nowhere"


def made(listeners, upstreams, administrators, services=NO_SERVICES, external=()):
    zones = Zones(ZONES.dmz, ZONES.internal, external, OURS, Administration(tuple(administrators), (22,)), services)
    return Settings(
        tuple(Listener(f"l{i}", ListenerKind.HTTP, Address(*one), None, p) for i, (one, p) in enumerate(listeners)),
        tuple(Upstream(f"u{i}", Address(*one)) for i, one in enumerate(upstreams)),
        zones=zones,
    )


def may_begin(s: Settings, packet: Packet, owners: Owners | None) -> set[str]:
    """Which ways (in, out) a packet may go through the DMZ's machines, by the words of the configuration."""
    assert s.zones is not None
    ways = set()
    to = (packet.target, packet.port)
    tcp = packet.protocol == "tcp"
    source = ipaddress.ip_address(packet.source)
    for one in s.listeners:
        by_proxy = (
            any(source in ipaddress.ip_network(n) for n in one.trusted_proxies) and zone(packet.source, s) == "dmz"
        )
        public = zone(packet.source, s) == "external"
        if tcp and to == (one.bind.host, one.bind.port) and (by_proxy or public):
            ways.add("in")
    known = any(source in ipaddress.ip_network(n) for n in s.zones.administration.networks)
    if tcp and packet.port == 22 and known and zone(packet.target, s) == "dmz":
        ways.add("in")
    if packet.source in OURS and (owners is None or packet.user != owners.workers):
        upstreams = owners is None or packet.user == owners.broker
        pairs = {("tcp", u.address.host, u.address.port) for u in s.upstreams if upstreams}
        pairs |= {(p, a.host, a.port) for a in s.zones.services.dns for p in ("tcp", "udp")}
        pairs |= {("tcp", a.host, a.port) for a in s.zones.services.feed}
        if (packet.protocol, *to) in pairs:
            ways.add("out")
    return ways


def expected(
    s: Settings, packet: Packet, role: Role, layout: Layout, hook: str, owners: Owners | None = None
) -> bool:
    ways = may_begin(s, packet, owners)
    if role is Role.HOST:
        return {"input": "in", "output": "out"}.get(hook) in ways
    ends = {zone(packet.source, s), zone(packet.target, s)}
    crossed = [{"external", "dmz"}] if role is Role.OUTER else [{"internal", "dmz"}]
    crossed = [{"external", "dmz"}, {"internal", "dmz"}] if layout is Layout.THREE_LEGGED else crossed
    return bool(ways) and ends in crossed


def addresses(those):
    return tuple(Address(*one) for one in those)


places, ports = st.sampled_from(PLACES), st.sampled_from(PORTS)
pairs = st.tuples(places, ports)
many = st.lists(pairs, max_size=3, unique=True)
inside = st.lists(
    st.tuples(st.sampled_from(["10.0.6.0", "10.0.0.200", "fd00:10::5"]), ports), max_size=3, unique=True
)
configurations = st.builds(
    made,
    st.lists(
        st.tuples(st.tuples(st.sampled_from(OURS), ports), st.sampled_from([(), ("10.0.5.1/32",), ("10.0.0.0/8",)])),
        max_size=3, unique_by=lambda one: one[0],
    ),
    inside,
    st.lists(st.sampled_from(["10.0.0.200/32", "10.0.0.0/20", "10.0.5.0/25", "fd00:10::/64"]), max_size=2),
    st.builds(lambda dns, feed: Services(dns=addresses(dns), feed=addresses(feed)), many, many),
    st.sampled_from([(), EXTERNAL]),
)  # fmt: skip
ALL = [
    Packet(*one)
    for one in itertools.product(PLACES, PLACES, ("tcp", "udp"), PORTS)
    if (":" in one[0]) == (":" in one[1])
]
MACHINES_AND_HOOKS = [
    *((role, layout, "forward") for role, layout in MACHINES.values()),
    (Role.HOST, Layout.DUAL, "input"),
    (Role.HOST, Layout.DUAL, "output"),
    (Role.HOST, Layout.DUAL, "forward"),
]


@settings(max_examples=60, deadline=None)
@given(configurations, st.sampled_from(MACHINES_AND_HOOKS))
def test_no_packet_that_nobody_declared(s, machine):
    assume(not any(wrong_places(s)))
    assume(all(zone(one.host, s) != "nowhere" for one in (*s.zones.services.dns, *s.zones.services.feed)))
    role, layout, hook = machine
    rules = table(declared(Loaded(s, (), (), nowhere)), role, layout)
    for packet in ALL:
        if hook == "output" and packet.source not in OURS:
            continue
        assert taken(rules, hook, packet) == expected(s, packet, role, layout, hook), packet


@settings(max_examples=30, deadline=None)
@given(configurations)
def test_on_the_machine_itself_only_the_broker_reaches_upstreams_and_workers_nothing(s):
    assume(not any(wrong_places(s)))
    assume(all(zone(one.host, s) != "nowhere" for one in (*s.zones.services.dns, *s.zones.services.feed)))
    whose = Owners(workers=1, broker=2)
    rules = table(declared(Loaded(s, (), (), nowhere)), Role.HOST, Layout.DUAL, whose)
    for packet, user in itertools.product((one for one in ALL if one.source in OURS), (0, 1, 2)):
        sent = replace(packet, user=user)
        assert taken(rules, "output", sent) == expected(s, sent, Role.HOST, Layout.DUAL, "output", whose), sent


def test_firewalls_see_no_users(flows):
    for role, layout in itertools.product((Role.OUTER, Role.INNER), Layout):
        assert table(flows, role, layout, Owners(1, 2)) == table(flows, role, layout)
    assert "broker_user" in heading(flows, Role.HOST, Layout.DUAL)
    assert "broker_user" not in heading(flows, Role.HOST, Layout.DUAL, Owners(1, 2))
