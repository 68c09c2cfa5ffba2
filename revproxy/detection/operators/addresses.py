"""`ipMatch`: an address against a list of addresses and networks, IPv4 and IPv6.

The list is sorted and merged once; a look-up is a binary search. An IPv6 address that only wraps an IPv4 one
(::ffff:0:0/96) counts as that too, in a list and as a value.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from revproxy.detection.operators.base import Argument, ArgumentError, CompiledOperator

_IPV4: Final = 2**32 - 1
_LONGEST: Final = 45
"""Of the text of an address."""


class Networks:
    """A set of networks."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, networks: list[tuple[int, int, int]]) -> None:
        """Of (version, first address, last address)."""
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._ends: dict[int, list[int]] = {4: [], 6: []}
        for version, first, last in sorted(networks):
            starts, ends = self._starts[version], self._ends[version]
            if ends and first <= ends[-1] + 1:
                ends[-1] = max(ends[-1], last)
            else:
                starts.append(first)
                ends.append(last)

    def __contains__(self, value: object) -> bool:
        """Whether an address, as text in bytes, lies in one of them; anything else does not."""
        address = _address(value) if isinstance(value, bytes) else None
        if address is None:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped and self._holds(address.ipv4_mapped):
            return True
        return self._holds(address)

    def _holds(self, address: IPv4Address | IPv6Address) -> bool:
        number = int(address)
        at = bisect_right(self._starts[address.version], number) - 1
        return at >= 0 and number <= self._ends[address.version][at]


def _address(value: bytes) -> IPv4Address | IPv6Address | None:
    if len(value) > _LONGEST or not value.isascii():
        return None
    try:
        address = ip_address(value.decode("ascii"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id is not None else address
    return address


def networks_of(argument: Argument) -> Networks:
    """A list, or a text with commas or spaces between: addresses, and networks as address/bits."""
    rows: list[tuple[int, int, int]] = []
    texts = argument if isinstance(argument, tuple) else tuple(argument.replace(" ", ",").split(","))
    at = 0
    for text in texts:
        if text.strip():
            try:
                network = ip_network(text.strip(), strict=False)
            except ValueError as error:
                raise ArgumentError(f"no address or network: {error}", at) from error
            rows.append((network.version, int(network.network_address), int(network.broadcast_address)))
            if network.version == 6 and network.prefixlen >= 96 and network.network_address.ipv4_mapped:
                rows.append((4, rows[-1][1] & _IPV4, rows[-1][2] & _IPV4))
        at += len(text) + 1
    if not rows:
        raise ArgumentError("needs at least one address or network")
    return Networks(rows)


def ip_match(argument: Argument) -> CompiledOperator:
    """The value is an address of the list."""
    return CompiledOperator(networks_of(argument).__contains__)
