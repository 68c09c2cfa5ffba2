"""Who may begin a conversation with whom: everything that the configuration declares, and nothing else.

One end of every flow is this machine in the DMZ. Flows hold addresses, never names, and each is of one IP version.
What a firewall cannot hold to (a name, a port that the system chooses) is a located error here. Which machine sees
which flow, and how a rule is written, is none of this module's business.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from enum import Enum

from revproxy.config import Address, Loaded, Zone, Zones, disjoint, own_addresses, zone_of
from revproxy.config.settings import LOG_KINDS, Listener
from revproxy.config.zones import EVERYWHERE, IpAddress, IpNetwork, Place, collapsed, literal, within
from revproxy.errors import LocatedError, together

COMMENT_BYTES = 100
_UDP = {"dns": ("udp", "tcp"), "ntp": ("udp",), "syslog": ("udp",)}
"""Roles that do not speak TCP alone."""
_WHY = (
    "a firewall holds packets, and these have addresses: what a name stands for may change after the rules are loaded"
)


class Way(Enum):
    """Which end begins."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Flow:
    """New conversations between this machine and others; answers go without saying."""

    way: Way
    zone: Zone
    """Where the other end is."""
    version: int
    own: tuple[IpNetwork, ...]
    others: tuple[IpNetwork, ...]
    """None: all of the zone."""
    protocol: str
    port: int
    name: str
    trusted: bool = False
    """From proxies that speak for many clients: they are not metered."""
    broker: bool = False
    """Nobody on this machine but the broker begins it."""


@dataclass(frozen=True, slots=True)
class Flows:
    """All of them, in the order of the file, and the limits of one client."""

    zones: Zones
    flows: tuple[Flow, ...]
    per_second: int
    held: int
    """Open connections of one client that all workers together would take."""
    administration: tuple[Flow, ...]
    """Those of `flows` that firewalls take for themselves too."""


def declared(loaded: Loaded) -> Flows:
    """What a configuration declares. Raises LocatedError or ManyErrors where a firewall cannot hold to it."""
    zones = loaded.settings.zones
    if zones is None:
        raise loaded.blame("the configuration declares no zones: rules would have nothing to go by", (), "zones:")
    found = _Finder(loaded, zones)
    administration = tuple(found.administration())
    flows = (*found.listeners(), *administration, *found.admin(), *found.upstreams(), *found.servers())
    if found.wrong:
        raise together(found.wrong)
    settings = loaded.settings
    held = settings.limits.caps.connections_per_address * settings.workers
    return Flows(zones, tuple(_once(flows)), zones.connections_per_second, held, administration)


class _Finder:
    """Walks the settings; what is wrong is noted and left out."""

    def __init__(self, loaded: Loaded, zones: Zones) -> None:
        self._settings = loaded.settings
        self._blame = loaded.blame
        self._zones = zones
        self._own = own_addresses(loaded.settings)
        self.wrong: list[LocatedError] = []

    def _error(self, message: str, place: Place, hint: str = "") -> None:
        self.wrong.append(self._blame(message, place, hint))

    def listeners(self) -> Iterator[Flow]:
        """From outside, and from trusted proxies beside us."""
        for i, one in enumerate(self._settings.listeners):
            if not one.bind.port:
                self._error("port 0 is another one at each start: no rule can name it", ("listeners", i, "bind"))
                continue
            for address in self._bound(one.bind):
                flow = _incoming(Zone.EXTERNAL, address, one.bind.port, f"listener {one.name}")
                yield from self._trusted(one, flow)
                yield flow

    def _bound(self, bind: Address) -> tuple[IpAddress, ...]:
        """The addresses on the wire that a listener has."""
        address = ipaddress.ip_address(bind.host)
        if bind.host in EVERYWHERE:
            return tuple(own for own in self._own if own.version == address.version)
        return () if address.is_loopback else (address,)

    def _trusted(self, listener: Listener, flow: Flow) -> Iterator[Flow]:
        proxies = [ipaddress.ip_network(text) for text in listener.trusted_proxies]
        for zone in (Zone.EXTERNAL, Zone.DMZ):
            others = [p for p in proxies if p.version == flow.version and self._reaches(p, zone)]
            if others:
                name = f"{flow.name} by proxy"
                yield replace(flow, zone=zone, others=tuple(collapsed(others)), name=name, trusted=True)

    def _reaches(self, network: IpNetwork, zone: Zone) -> bool:
        """Whether a network has addresses in a zone; which ones is for the rules of that zone to say."""
        if zone is Zone.EXTERNAL and not self._zones.external:
            home = [one for z in (Zone.DMZ, Zone.INTERNAL) for one in disjoint(self._zones, z, network.version)]
            return not any(within(network, one) for one in home)
        mine = disjoint(self._zones, zone, network.version)
        return any(within(network, one) or within(one, network) for one in mine)

    def administration(self) -> Iterator[Flow]:
        """From the administrators' networks to the DMZ and to this machine."""
        for version in (4, 6):
            legs = [ipaddress.ip_network(own) for own in self._own if own.version == version]
            own = tuple(collapsed([*disjoint(self._zones, Zone.DMZ, version), *legs]))
            for port in dict.fromkeys(self._zones.administration.ports if own else ()):
                yield from self._administrators(own, port, "administration")

    def admin(self) -> Iterator[Flow]:
        """From the administrators' networks to the admin listener."""
        admin = self._settings.admin
        if admin is not None and not admin.port:
            self._error("port 0 is another one at each start: no rule can name it", ("admin",))
        elif admin is not None:
            for address in self._bound(admin):
                yield from self._administrators((ipaddress.ip_network(address),), admin.port, "admin listener")

    def _administrators(self, own: tuple[IpNetwork, ...], port: int, name: str) -> Iterator[Flow]:
        version = own[0].version
        networks = [ipaddress.ip_network(text) for text in self._zones.administration.networks]
        for zone in (Zone.INTERNAL, Zone.DMZ):
            others = tuple(collapsed(n for n in networks if n.version == version and self._reaches(n, zone)))
            if others:
                yield Flow(Way.IN, zone, version, own, others, "tcp", port, name)

    def upstreams(self) -> Iterator[Flow]:
        """To internal servers."""
        for one in self._settings.upstreams:
            flows = self._to(one.address, ("tcp",), f"upstream {one.name}", ("upstreams", one.name, "address"))
            yield from (replace(flow, broker=True) for flow in flows)

    def servers(self) -> Iterator[Flow]:
        """To servers by their role."""
        for field in fields(self._zones.services):
            targets: tuple[Address, ...] = getattr(self._zones.services, field.name)
            for i, target in enumerate(targets):
                place = ("zones", "services", field.name, i)
                yield from self._to(target, _UDP.get(field.name, ("tcp",)), field.name, place)
        for kind in LOG_KINDS:
            server: Address | None = getattr(self._settings.logs, kind).server
            if server is not None:
                yield from self._to(server, _UDP["syslog"], "syslog", ("logs", kind, "to"))

    def _to(self, target: Address, protocols: tuple[str, ...], name: str, place: Place) -> Iterator[Flow]:
        """From this machine; nothing for what is on it."""
        address = literal(target.host)
        if address is None:
            self._error(f"{name} is at {target.host!r}, which is a name: {_WHY}", place, "write its address here")
            return
        if address.is_loopback:
            return
        zone = zone_of(self._zones, address)
        own = tuple(ipaddress.ip_network(one) for one in self._own if one.version == address.version)
        if zone is None:
            self._error(f"{name} is at {address}, which is in no zone", place)
        elif not own:
            message = f"{name} has an IPv{address.version} address, and this machine none"
            self._error(message, place, "name this machine's addresses in zones.host")
        else:
            others = (ipaddress.ip_network(address),)
            for protocol in protocols:
                yield Flow(Way.OUT, zone, address.version, own, others, protocol, target.port, name)


def _incoming(zone: Zone, address: IpAddress, port: int, name: str) -> Flow:
    return Flow(Way.IN, zone, address.version, (ipaddress.ip_network(address),), (), "tcp", port, name)


def _once(flows: Iterable[Flow]) -> Iterator[Flow]:
    """Flows that differ in their name alone, as one with the names of all."""
    names: dict[Flow, list[str]] = {}
    for flow in flows:
        names.setdefault(replace(flow, name=""), []).append(flow.name)
    for flow, told in names.items():
        yield replace(flow, name=", ".join(dict.fromkeys(told))[:COMMENT_BYTES])
