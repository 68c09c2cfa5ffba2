"""From flows to the table of one machine: which flows cross it, in which chains, and what becomes of all else.

    dual         Internet - outer firewall - DMZ - inner firewall - inside
    three-legged the Internet, the DMZ and the inside are three legs of one firewall, which is outer and inner
    host         this machine itself, in either

A packet that begins something is sent to the chain of the zone that its source is in; that chain holds one rule for
each declared flow and ends in a refusal: outsiders get no answer, neighbours are told. Names of interfaces are not
asked for: the way back to a source must lead where it came from (`fib`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from revproxy.config import Zone, disjoint
from revproxy.config.zones import IpNetwork
from revproxy.dmz.flows import Flow, Flows, Way
from revproxy.dmz.owners import Owners
from revproxy.dmz.tables import Chain, NftSet, Table, addresses, one_of


class Role(StrEnum):
    """Whose rules."""

    OUTER = "outer"
    INNER = "inner"
    HOST = "host"


class Layout(StrEnum):
    """How many firewalls there are."""

    DUAL = "dual"
    THREE_LEGGED = "three-legged"


Crossing = tuple[Way, Zone]
_OUTER: frozenset[Crossing] = frozenset({(Way.IN, Zone.EXTERNAL), (Way.OUT, Zone.EXTERNAL)})
_INNER: frozenset[Crossing] = frozenset({(Way.IN, Zone.INTERNAL), (Way.OUT, Zone.INTERNAL)})


@dataclass(frozen=True, slots=True)
class _Firewall:
    """The name of a firewall's table, and what crosses it."""

    table: str
    crossing: frozenset[Crossing]


_FIREWALLS: dict[tuple[Layout, Role], _Firewall] = {
    (Layout.DUAL, Role.OUTER): _Firewall("revproxy_outer", _OUTER),
    (Layout.DUAL, Role.INNER): _Firewall("revproxy_inner", _INNER),
    (Layout.THREE_LEGGED, Role.OUTER): _Firewall("revproxy_firewall", _OUTER | _INNER),
    (Layout.THREE_LEGGED, Role.INNER): _Firewall("revproxy_firewall", _OUTER | _INNER),
}
_HOST = "revproxy_host"
_WHAT: dict[tuple[Layout, Role], str] = {
    (Layout.DUAL, Role.OUTER): "the outer firewall of two",
    (Layout.DUAL, Role.INNER): "the inner firewall of two",
    (Layout.DUAL, Role.HOST): "the front end's own machine",
    (Layout.THREE_LEGGED, Role.OUTER): "the one firewall with three legs",
    (Layout.THREE_LEGGED, Role.INNER): "the one firewall with three legs",
    (Layout.THREE_LEGGED, Role.HOST): "the front end's own machine",
}

_FAMILIES = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
_PREFIX = "ffff:ffff:ffff:ffff::"
"""An IPv6 client has a whole /64 to choose from."""
_SOURCES = 65535
"""Clients that meters remember; those beyond are not metered."""
_FORGET_SECONDS = 60
_METERED = "metered"
"""The chain that listeners' clients go through."""
_WORKERS = "from_workers"
"""The chain for what processes begin that are to begin nothing."""
_LINK = (
    "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } "
    "ip6 hoplimit 255 counter accept",
    "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } counter accept",
)
"""Without neighbour discovery there is no IPv6. Routers lower the hop limit: 255 comes from this link (RFC 4861)."""
_GOING_ON = (
    "ct state established counter accept",
    "ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem } counter accept",
    "ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } "
    "counter accept",
    "ct state invalid counter drop",
)
"""Answers, and ICMP errors about them: path MTU discovery needs those. No redirect, and no helper opens anything."""
_ARRIVING = Chain(
    "arriving",
    ('iif != "lo" fib saddr . iif oif missing counter drop comment "the way back leads elsewhere"',),
    "type filter hook prerouting priority raw; policy accept;",
)


def table(flows: Flows, role: Role, layout: Layout, owners: Owners | None = None) -> Table:
    """The rules of a machine. `owners`, of this machine alone: None where users are not told apart."""
    if role is Role.HOST:
        return _host(flows, owners)
    firewall = _FIREWALLS[layout, role]
    crossing = [flow for flow in flows.flows if (flow.way, flow.zone) in firewall.crossing]
    chains = (
        _ARRIVING,
        Chain("input", (*_guest(), *_logging_in(flows), *_refuse("input", False)), _hook("input")),
        Chain("forward", (*_GOING_ON, *_by_zone(flows)), _hook("forward")),
        *_zones(flows, crossing),
    )
    return Table(firewall.table, _sets(flows, crossing), chains)


def heading(flows: Flows, role: Role, layout: Layout, owners: Owners | None = None) -> str:
    """What stands above the rules, as comments."""
    lines = [
        f"Rules of {_WHAT[layout, role]}.",
        "`nft -f` puts them in force in one step, as often as one likes; it replaces the table below and no other.",
    ]
    if not flows.administration:
        lines.append("Nobody can log in over the network: zones.administration names no networks.")
    if role is Role.HOST and owners is None:
        lines.append("Upstreams are open to every program here: the broker has no user of its own (broker_user).")
    return "".join(f"# {line}\n" for line in lines)


def _host(flows: Flows, owners: Owners | None) -> Table:
    outgoing = (rule_of(flow, own=False, owners=owners) for flow in flows.flows if flow.way is Way.OUT)
    incoming = [flow for flow in flows.flows if flow.way is Way.IN]
    # What a worker begins is refused before anything else is asked, on loopback too.
    workers = [f"meta skuid {owners.workers} ct state new goto {_WORKERS}"] if owners else []
    leaving = (*workers, 'oif "lo" accept', *_GOING_ON, *_LINK, *outgoing, *_refuse("output", True))
    chains = (
        _ARRIVING,
        Chain("input", (*_guest(), *_by_zone(flows)), _hook("input")),
        Chain("forward", _refuse("forward", False), _hook("forward")),
        Chain("output", leaving, _hook("output")),
        *_zones(flows, incoming),
        *([Chain(_WORKERS, _refuse("workers", True))] if owners else []),
    )
    return Table(_HOST, _sets(flows, incoming), chains)


def _hook(name: str) -> str:
    return f"type filter hook {name} priority filter; policy drop;"


def _guest() -> tuple[str, ...]:
    """What a machine takes for itself, whoever it is."""
    return ('iif "lo" accept', *_LINK, *_GOING_ON)


def _logging_in(flows: Flows) -> Iterator[str]:
    """Administration of a firewall itself, on its own addresses in the DMZ or inside, by the leg that has them.

    The last part is for an outer firewall that knows no way inside: somebody on the Internet's side could take an
    administrator's address there, and the way back would lead to him.
    """
    for flow in flows.administration:
        ip, _ = _FAMILIES[flow.version]
        for zone in (Zone.DMZ, Zone.INTERNAL):
            if disjoint(flows.zones, zone, flow.version):
                here = f"{ip} daddr @{zone}{flow.version} fib daddr . iif type local"
                yield f"{ip} saddr {one_of(addresses(flow.others))} {here} {_what(flow)}"


def _by_zone(flows: Flows) -> Iterator[str]:
    """A source's zone is chosen by its address; where `external` is not declared it is what is left."""
    for zone in (Zone.DMZ, Zone.INTERNAL, Zone.EXTERNAL):
        for version, (ip, _) in _FAMILIES.items():
            if disjoint(flows.zones, zone, version):
                yield f"{ip} saddr @{zone}{version} goto from_{zone}"
    if flows.zones.external:
        yield from _refuse("no zone", False)
    else:
        yield f"goto from_{Zone.EXTERNAL}"


def _zones(flows: Flows, seen: list[Flow]) -> Iterator[Chain]:
    """The chain of each zone: what may begin there."""
    for zone in (Zone.EXTERNAL, Zone.DMZ, Zone.INTERNAL):
        mine = [flow for flow in seen if _source_zone(flow) is zone]
        yield Chain(f"from_{zone}", (*map(rule_of, mine), *_refuse(zone, zone is not Zone.EXTERNAL)))
    if any(map(_metered, seen)):
        yield Chain(_METERED, (*_meters(flows), "counter accept"))


def _metered(flow: Flow) -> bool:
    return _source_zone(flow) is Zone.EXTERNAL and not flow.trusted


def _source_zone(flow: Flow) -> Zone:
    return Zone.DMZ if flow.way is Way.OUT else flow.zone


def rule_of(flow: Flow, own: bool = True, owners: Owners | None = None) -> str:
    """One rule for one flow; without `own` any address of the machine that the rule is on will do, with `owners` not
    any user of it."""
    ip, _ = _FAMILIES[flow.version]
    mine, other = ("daddr", "saddr") if flow.way is Way.IN else ("saddr", "daddr")
    matches = {mine: flow.own if own else (), other: flow.others}
    where = [f"{ip} {end} {one_of(addresses(matches[end]))}" for end in ("saddr", "daddr") if matches[end]]
    who = [f"meta skuid {owners.broker}"] if owners and flow.broker else []
    return " ".join((*where, *who, _what(flow)))


def _what(flow: Flow) -> str:
    verdict = f"goto {_METERED}" if _metered(flow) else "accept"
    return f'{flow.protocol} dport {flow.port} ct state new counter {verdict} comment "{flow.name}"'


def _meters(flows: Flows) -> list[str]:
    """New connections of one client: not too many at a time, not too many at once.

    Only what a listener would get is counted, so that noise at other ports uses up nobody's share.
    """
    limits = {
        "rate": f"limit rate over {flows.per_second}/second burst {2 * flows.per_second} packets",
        "held": f"ct count over {flows.held}",
    }
    clients = {4: "ip saddr", 6: f"ip6 saddr & {_PREFIX}"}
    return [
        f"add @{name}{version} {{ {client} {limit} }} counter drop"
        for name, limit in limits.items()
        for version, client in clients.items()
    ]


def _refuse(whence: str, told: bool) -> tuple[str, str]:
    """Nothing more is let through: a line of the log now and then, and an answer where it helps a neighbour."""
    log = f'limit rate 5/second burst 20 packets log prefix "revproxy refused ({whence}): " level info'
    return log, "counter reject with icmpx admin-prohibited" if told else "counter drop"


def _sets(flows: Flows, seen: list[Flow]) -> tuple[NftSet, ...]:
    return (*_networks(flows), *(_noted() if any(map(_metered, seen)) else ()))


def _networks(flows: Flows) -> Iterator[NftSet]:
    for zone in Zone:
        for version, (_, kind) in _FAMILIES.items():
            networks: Iterable[IpNetwork] = disjoint(flows.zones, zone, version)
            if networks:
                yield NftSet(f"{zone}{version}", kind, addresses(networks))


def _noted() -> Iterator[NftSet]:
    for version, (_, kind) in _FAMILIES.items():
        yield NftSet(f"rate{version}", kind, size=_SOURCES, timeout=_FORGET_SECONDS)
        yield NftSet(f"held{version}", kind, size=_SOURCES)
