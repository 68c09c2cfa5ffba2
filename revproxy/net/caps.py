"""What one worker may hold for everybody together: connections, for each address and over all, and bytes.

Plain counters of one event loop; no waiting and no I/O. Who is over a cap is told so and decides what to answer.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from revproxy.errors import LimitError
from revproxy.model import Caps


class Lease:
    """The right to hold one connection. `release` gives it back; a second call does nothing."""

    __slots__ = ("_connections", "_key")

    def __init__(self, connections: Connections, key: str) -> None:
        self._connections: Connections | None = connections
        self._key = key

    def release(self) -> None:
        """Give it back."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.leave(self._key)


class Connections:
    """Counts the connections that are open. An IPv6 client is counted by its /64, which is one subscriber."""

    __slots__ = ("_each", "_most", "_most_each", "total")

    def __init__(self, caps: Caps) -> None:
        self._most = caps.connections
        self._most_each = caps.connections_per_address
        self._each: dict[str, int] = {}
        self.total = 0

    def admit(self, address: str) -> Lease | None:
        """A lease, or None over a cap."""
        key = _subscriber(address)
        count = self._each.get(key, 0)
        if self.total >= self._most or count >= self._most_each:
            return None
        self.total += 1
        self._each[key] = count + 1
        return Lease(self, key)

    def leave(self, key: str) -> None:
        """For Lease only."""
        self.total -= 1
        left = self._each[key] - 1
        if left:
            self._each[key] = left
        else:
            del self._each[key]

    def of(self, address: str) -> int:
        """How many connections an address (an IPv6 /64) has."""
        return self._each.get(_subscriber(address), 0)


class Budget:
    """Bytes that all transactions together may hold in one place. `name` is the limit's in `model.limits.Caps`."""

    __slots__ = ("most", "name", "refused", "used")

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.most = most
        self.used = 0
        self.refused = 0

    def take(self, size: int) -> bool:
        """Whether `size` bytes more may be held; they are counted then."""
        if self.used + size > self.most:
            self.refused += 1
            return False
        self.used += size
        return True

    def demand(self, size: int) -> None:
        """Like `take`, but raises LimitError."""
        if not self.take(size):
            raise LimitError(self.name, self.most)

    def give(self, size: int) -> None:
        """They are held no more."""
        self.used -= size


def _subscriber(address: str) -> str:
    """What an address is counted as: itself, or the /64 of an IPv6 address (the IPv4 one if it maps one)."""
    if ":" not in address:
        return address
    parsed = IPv6Address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped is not None else parsed.packed[:8].hex()
