"""On how much a proposal rests: clients, networks, time, and why it may be one attack. Pure.

The number of requests says nothing, because whoever attacks chooses it. Of clients an IPv6 /64 is one. A client that
was denied for many different things is probing, and is no evidence for any of them.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from revproxy.app.proposing.records import Denial

PROBES = 8
"""Fields and keys of one route or another that a client was denied for, from which on it is probing."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What a proposal must rest on before it is not marked; `seconds` from the first to the last."""

    transactions: int = 5
    clients: int = 3
    seconds: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of the transactions that a proposal is about. Without marks it rests on enough."""

    transactions: int
    clients: int
    networks: int
    """IPv4 /24, IPv6 /48."""
    first: float
    last: float
    marks: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """From the first to the last."""
        return self.last - self.first

    @property
    def rank(self) -> tuple[int, int, float, int]:
        """The more, the better it rests."""
        return (-len(self.marks), self.clients, self.seconds, self.transactions)


@lru_cache(maxsize=65_536)
def network(address: str, v4: int = 32, v6: int = 64) -> str:
    """What counts as one client; an address that is none counts as it stands."""
    try:
        made = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((made.packed, v4 if made.version == 4 else v6), strict=False))


class Weighing:
    """Knows which clients are probing; weighs denials."""

    def __init__(self, denials: Iterable[Denial], demands: Demands) -> None:
        things: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)
        for one in denials:
            things[network(one.client)].add((one.route, one.field.removesuffix(".plain"), one.key))
        self._probing = frozenset(client for client, some in things.items() if len(some) >= PROBES)
        self._demands = demands

    def weigh(self, denials: Sequence[Denial]) -> Evidence:
        """At least one denial."""
        calm = [one for one in denials if network(one.client) not in self._probing]
        counted = calm or denials
        times = [one.at for one in counted]
        found = Evidence(
            len({one.id for one in denials}),
            len({network(one.client) for one in counted}),
            len({network(one.client, 24, 48) for one in counted}),
            min(times),
            max(times),
        )
        return Evidence(
            found.transactions, found.clients, found.networks, found.first, found.last, self._marks(found, bool(calm))
        )

    def rests(self, denials: Sequence[Denial]) -> bool:
        """Whether they are enough to go by."""
        if not denials:
            return False
        found = self.weigh(denials)
        return not found.marks and found.transactions >= self._demands.transactions

    def _marks(self, found: Evidence, calm: bool) -> tuple[str, ...]:
        wanted = self._demands
        looks = {
            "only clients that were denied for many other things": not calm,
            "one client": found.clients == 1 < wanted.clients,
            "few clients": 1 < found.clients < wanted.clients,
            "one network": 1 == found.networks < min(found.clients, wanted.clients),
            "a short time": found.seconds < wanted.seconds,
        }
        return tuple(mark for mark, holds in looks.items() if holds)
