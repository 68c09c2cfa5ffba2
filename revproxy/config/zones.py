"""Which zone an address belongs to, and what listeners and upstreams may not do in which zone.

Pure: settings in, zones and errors out. The longest prefix decides, so that a DMZ may be a part of a large internal
network. Loopback is this machine and belongs to no zone. Names are no addresses: whether they lie inside is only
known when they are resolved, and is held then (`net.egress`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from revproxy.config.settings import LOG_KINDS, Address, Log, Settings, Zone, Zones

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Place = tuple[str | int, ...]
Wrong = tuple[str, Place, str]
"""Message, place, hint."""

EVERYWHERE = ("0.0.0.0", "::")
_AT_HOME: tuple[str, ...] = ("clamd", "redis")
"""Roles that have no business outside."""
_WIDEST = {4: 8, 6: 7}
"""Bits of the shortest prefix that a DMZ or an inside may have: 10.0.0.0/8 and fc00::/7 are anybody's own, nothing
larger is. A zone of all addresses would hold nobody to anything."""


def literal(host: str) -> IpAddress | None:
    """The address, or None for a name; an address that holds only on some interface (`%`) says no more than one."""
    if host == "localhost":
        return ipaddress.ip_address("127.0.0.1")
    try:
        return None if "%" in host else ipaddress.ip_address(host)
    except ValueError:
        return None


def zone_of(zones: Zones, address: IpAddress) -> Zone | None:
    """The zone of an address; None for loopback, and where `external` is declared and does not hold it."""
    if address.is_loopback:
        return None
    found = [(network.prefixlen, zone) for zone, network in _all(zones) if address in network]
    if found:
        return max(found)[1]
    return None if zones.external else Zone.EXTERNAL


def disjoint(zones: Zones, zone: Zone, version: int) -> list[IpNetwork]:
    """A zone's networks of one IP version without what more specific networks give to others; in order."""
    left = [n for z, n in _all(zones) if z is zone and n.version == version]
    for other in (n for z, n in _all(zones) if z is not zone and n.version == version):
        left = [part for network in left for part in _without(network, other)]
    return collapsed(left)


def within(network: IpNetwork, outer: IpNetwork) -> bool:
    """Whether all of a network lies in another."""
    return network.network_address in outer and network.prefixlen >= outer.prefixlen


def collapsed(networks: Iterable[IpNetwork]) -> list[IpNetwork]:
    """The same addresses in as few networks as can be, in order, IPv4 first."""
    all_of = list(networks)
    four = [network for network in all_of if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in all_of if isinstance(network, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def own_addresses(settings: Settings) -> tuple[IpAddress, ...]:
    """This machine's addresses on the wire: those that are declared, or else those that listeners are bound to."""
    asked = settings.zones.host if settings.zones else ()
    hosts = asked or [one.bind.host for one in settings.listeners if one.bind.host not in EVERYWHERE]
    made = map(ipaddress.ip_address, hosts)
    return tuple(dict.fromkeys(address for address in made if not address.is_loopback))


def wrong_places(settings: Settings) -> Iterator[Wrong]:
    """All that stands in the wrong zone; nothing where no zones are declared."""
    zones = settings.zones
    if zones is None:
        return
    wrong = list(_networks(zones))
    yield from wrong
    if wrong:
        # What belongs where is not known then: whatever else could be said would be of no use.
        return
    yield from _administration(zones)
    yield from _listeners(settings, zones)
    yield from _upstreams(settings, zones)
    yield from _services(zones)
    yield from _logs(settings, zones)


def not_held(settings: Settings) -> Iterator[tuple[str, Place]]:
    """Upstreams of which nobody can say yet where they are: messages and places. The broker holds them to their
    zone when it resolves them."""
    for upstream in settings.upstreams if settings.zones else ():
        if literal(upstream.address.host) is None:
            message = f"upstream {upstream.name!r} has a name: no firewall rule can be made of it"
            yield message, ("upstreams", upstream.name, "address")


def _all(zones: Zones) -> Iterator[tuple[Zone, IpNetwork]]:
    for zone in Zone:
        for text in getattr(zones, zone):
            yield zone, ipaddress.ip_network(text)


def _without(network: IpNetwork, other: IpNetwork) -> list[IpNetwork]:
    """`network` without the part that is `other`'s; whole where `other` is not within it."""
    if network == other or not within(other, network):
        return [network]
    if isinstance(network, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return list(network.address_exclude(other))
    if isinstance(network, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return list(network.address_exclude(other))
    return [network]


def _networks(zones: Zones) -> Iterator[Wrong]:
    seen: dict[IpNetwork, Zone] = {}
    places = {zone: iter(range(len(getattr(zones, zone)))) for zone in Zone}
    for zone, network in _all(zones):
        place = ("zones", str(zone), next(places[zone]))
        if zone is not Zone.EXTERNAL and network.prefixlen < _WIDEST[network.version]:
            hint = f"the widest that is anybody's own is a /{_WIDEST[network.version]}"
            yield f"{network} is wider than a network of zone {zone} can be: it holds the Internet", place, hint
        other = seen.setdefault(network, zone)
        if other is not zone:
            yield f"{network} stands in {other} too", place, "one network belongs to one zone"
    for zone in (Zone.DMZ, Zone.INTERNAL):
        if not getattr(zones, zone):
            yield f"zones.{zone} holds no network", ("zones", str(zone)), ""


def _administration(zones: Zones) -> Iterator[Wrong]:
    home = [network for zone, network in _all(zones) if zone is not Zone.EXTERNAL]
    for i, text in enumerate(zones.administration.networks):
        network = ipaddress.ip_network(text)
        if not any(within(network, outer) for outer in home):
            message = f"{text} is neither internal nor in the DMZ: administration does not come from outside"
            yield message, ("zones", "administration", "networks", i), ""


def _listeners(settings: Settings, zones: Zones) -> Iterator[Wrong]:
    for i, one in enumerate(settings.listeners):
        yield from _leg(settings, zones, one.bind, ("listeners", i, "bind"), (Zone.EXTERNAL, Zone.DMZ), "a listener")
    if settings.admin is not None:
        yield from _leg(settings, zones, settings.admin, ("admin",), (Zone.DMZ, Zone.INTERNAL), "the admin listener")


def _leg(
    settings: Settings, zones: Zones, bind: Address, place: Place, allowed: tuple[Zone, ...], what: str
) -> Iterator[Wrong]:
    address = literal(bind.host)
    if address is None:
        yield f"{bind.host} is of one interface, and in no zone", place, "write an address without %"
        return
    legs = [address]
    if bind.host in EVERYWHERE:
        legs = [own for own in own_addresses(settings) if own.version == address.version] if zones.host else []
        if not legs:
            message = f"{bind.host} is every leg of this machine, an internal one too"
            yield message, place, "bind to one address, or name this machine's own ones in zones.host"
    for leg in legs:
        zone = zone_of(zones, leg)
        if zone not in allowed and not leg.is_loopback:
            yield f"{what} on {leg}, which is {_word(zone)}", place, f"{what} belongs to {' or '.join(allowed)}"


def _word(zone: Zone | None) -> str:
    return f"in zone {zone}" if zone else "in no zone"


def _upstreams(settings: Settings, zones: Zones) -> Iterator[Wrong]:
    for upstream in settings.upstreams:
        address = literal(upstream.address.host)
        if address is not None and (zone := zone_of(zones, address)) is not Zone.INTERNAL:
            where = "this machine" if address.is_loopback else _word(zone)
            message = f"upstream {upstream.name!r} is {where}, not in a declared internal network"
            yield message, ("upstreams", upstream.name, "address"), "add its network to zones.internal"


def _services(zones: Zones) -> Iterator[Wrong]:
    for role in _AT_HOME:
        targets: tuple[Address, ...] = getattr(zones.services, role)
        for i, target in enumerate(targets):
            if _outside(zones, target):
                yield f"{role} at {target} is outside", ("zones", "services", role, i), "it belongs inside or here"


def _logs(settings: Settings, zones: Zones) -> Iterator[Wrong]:
    for kind in LOG_KINDS:
        log: Log = getattr(settings.logs, kind)
        if log.server is not None and _outside(zones, log.server):
            yield f"records would be sent outside, to {log.server}", ("logs", kind, "to"), "a syslog server is inside"


def _outside(zones: Zones, target: Address) -> bool:
    """Whether an address (not a name) is none of the inside, the DMZ or this machine."""
    address = literal(target.host)
    if address is None or address.is_loopback:
        return False
    return zone_of(zones, address) in (Zone.EXTERNAL, None)
