"""Where a target is: its address, or what its name means now, held to the networks that are declared for it.

A name is looked up at most once in KEPT_SECONDS, whoever asks how often, and once at a time. An answer that leads out
of the declared networks is left out, so a name server that lies can at most make a target unreachable: no DNS
rebinding. Nothing here connects.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from revproxy.errors import UpstreamError
from revproxy.net.egress.targets import Kind, Target

_log = logging.getLogger("revproxy.egress")
KEPT_SECONDS = 5.0
"""How long an answer holds, also one that says that there is none."""

Place = tuple[socket.AddressFamily, Any]
"""A family and what `connect` takes."""
Resolve = Callable[[Target], Awaitable[list[Place]]]


class Unresolved(UpstreamError):
    """There is no address by that name."""


class Outside(UpstreamError):
    """The name leads out of the declared networks."""


class Addresses:
    """Where one target is."""

    def __init__(self, target: Target, resolve: Resolve | None = None) -> None:
        """Raises ValueError for a network that is none."""
        self._target = target
        networks = target.networks
        self._networks = None if networks is None else [ipaddress.ip_network(one, strict=False) for one in networks]
        self._resolve = resolve or look_up
        self._fixed = _literal(target)
        self._asked: asyncio.Future[list[Place]] | None = None
        self._until = float("-inf")

    async def places(self) -> list[Place]:
        """At least one, in the order in which to try. Raises Unresolved, Outside."""
        found = self._fixed if self._fixed is not None else await self._looked_up()
        if self._target.kind is Kind.LOCAL:
            return found
        inside = [place for place in found if self._declared(place[1][0])]
        if not inside:
            raise Outside(self._target.name)
        if len(inside) < len(found):
            _log.warning("%s: some of its addresses are not in the declared networks", self._target.name)
        return inside

    def _declared(self, host: str) -> bool:
        # A zone ("%eth0") says which interface, not which address.
        address = ipaddress.ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        return self._networks is None or any(mapped in network for network in self._networks)

    async def _looked_up(self) -> list[Place]:
        """What the last question said, or a new one; all who wait share it."""
        if self._asked is None or (self._asked.done() and time.monotonic() >= self._until):
            self._asked = asyncio.ensure_future(self._ask())
        return await asyncio.shield(self._asked)

    async def _ask(self) -> list[Place]:
        try:
            return await self._resolve(self._target)
        except OSError as error:
            raise Unresolved(f"{self._target.name}: {error}") from None
        finally:
            self._until = time.monotonic() + KEPT_SECONDS


def _literal(target: Target) -> list[Place] | None:
    """Of an address, which no name server is asked for."""
    if target.kind is Kind.LOCAL:
        return [(socket.AF_UNIX, target.host)]
    try:
        version = ipaddress.ip_address(target.host.partition("%")[0]).version
    except ValueError:
        return None
    if version == 4:
        return [(socket.AF_INET, (target.host, target.port))]
    _, _, _, _, place = socket.getaddrinfo(target.host, target.port, flags=socket.AI_NUMERICHOST)[0]
    return [(socket.AF_INET6, place)]


def is_name(target: Target) -> bool:
    """Whether a name server has to be asked for it."""
    return _literal(target) is None


async def look_up(target: Target) -> list[Place]:
    """Ask the system, in a thread of the loop. Raises OSError."""
    loop = asyncio.get_running_loop()
    kind = socket.SOCK_STREAM if target.kind is Kind.TCP else socket.SOCK_DGRAM
    found = await loop.getaddrinfo(target.host, target.port, type=kind)
    return [(socket.AddressFamily(family), place) for family, _, _, _, place in found]
