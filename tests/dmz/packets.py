"""What becomes of a packet that begins a conversation: a small reading of the rules that we print, for the tests.

It knows the few matches that our rules use and raises for any other, so that a rule that it cannot judge is no rule
that passed. Meters never hit, the way back always leads where a packet came from.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from revproxy.dmz import Table

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
address_of = cache(ipaddress.ip_address)
network_of = cache(ipaddress.ip_network)


@dataclass(frozen=True)
class Packet:
    source: str
    target: str
    protocol: str
    port: int
    user: int = 0


_ADDRESS = re.compile(r"(ip6?) (saddr|daddr) (@\w+|\{[^}]*\}|\S+) ?(.*)")
_PORT = re.compile(r"(tcp|udp) dport (\d+) ?(.*)")
_USER = re.compile(r"meta skuid (\d+) ?(.*)")
_COMMENT = re.compile(r' comment "[^"]*"$')
_LATER = ("ct state established ", "ct state related ", "ct state invalid ", "icmpv6 type ", "limit rate 5/second ")
"""Not for a first packet of TCP or UDP, or a line of the log."""
_METER = re.compile(r"add @(rate|held)[46] \{[^}]*\} counter drop")


def taken(table: Table, hook: str, packet: Packet) -> bool:
    """Whether the chain of that hook accepts it."""
    (base,) = [chain for chain in table.chains if f" hook {hook} " in chain.hook]
    verdict = _chain(table, base.name, packet)
    if verdict is None:
        assert base.hook.endswith("policy drop;")
    return verdict == "accept"


def _chain(table: Table, name: str, packet: Packet) -> str | None:
    (chain,) = [one for one in table.chains if one.name == name]
    for rule in chain.rules:
        verdict = _rule(table, _COMMENT.sub("", rule), packet)
        if verdict is not None and verdict.startswith("goto "):
            return _chain(table, verdict.removeprefix("goto "), packet)
        if verdict is not None:
            return verdict
    return None


Match = Callable[[Table, Packet], bool]


def _rule(table: Table, rule: str, packet: Packet) -> str | None:
    """accept, drop, reject, `goto X`, or None where it does not match."""
    matches, verdict = _read(rule)
    return verdict if all(match(table, packet) for match in matches) else None


@cache
def _read(rule: str) -> tuple[list[Match], str | None]:
    matches: list[Match] = []
    if rule.startswith(_LATER) or _METER.fullmatch(rule) or rule in ('iif "lo" accept', 'oif "lo" accept'):
        return matches, None
    while True:
        for ignored in ("fib daddr . iif type local ", "ct state new ", "counter "):
            rule = rule.removeprefix(ignored)
        if match := _ADDRESS.fullmatch(rule):
            matches.append(_address(*match.group(1, 2, 3)))
            rule = match[4]
        elif match := _PORT.fullmatch(rule):
            matches.append(_port(match[1], int(match[2])))
            rule = match[3]
        elif match := _USER.fullmatch(rule):
            matches.append(_user(int(match[1])))
            rule = match[2]
        else:
            break
    assert rule in ("accept", "drop", "reject with icmpx admin-prohibited") or rule.startswith("goto "), rule
    return matches, rule


def _address(family: str, end: str, values: str) -> Match:
    def match(table: Table, packet: Packet) -> bool:
        address = address_of(packet.source if end == "saddr" else packet.target)
        return address.version == (4 if family == "ip" else 6) and _holds(table, values, address)

    return match


def _port(protocol: str, port: int) -> Match:
    return lambda _, packet: (protocol, port) == (packet.protocol, packet.port)


def _user(user: int) -> Match:
    return lambda _, packet: packet.user == user


def _holds(table: Table, values: str, address: IpAddress) -> bool:
    if values.startswith("@"):
        (named,) = [one for one in table.sets if one.name == values[1:]]
        return any(address in network_of(member) for member in named.elements)
    return any(address in network_of(member) for member in values.strip("{ }").split(", "))
