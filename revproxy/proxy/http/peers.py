"""Who is at the other end of a connection, and whom it speaks for."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace

from revproxy.proxy.http.headers import FORWARDED_FOR
from revproxy.proxy.http.message import Client, Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Peer:
    """One connection's other end. `client` is who asks when no declared proxy says otherwise."""

    __slots__ = ("_proxies", "client")

    def __init__(
        self,
        address: str,
        scheme: bytes,
        listener: str,
        proxies: Sequence[Network],
        port: int = 0,
        local: tuple[str, int] = ("", 0),
    ) -> None:
        """`proxies` are the networks whose X-Forwarded-For is believed; `local` is our end of the connection."""
        address = address.partition("%")[0]
        trusted = bool(proxies) and _within(address, proxies)
        self.client = Client(address, address, scheme, listener, trusted, port, local)
        self._proxies = proxies if trusted else ()

    def client_of(self, request: Request) -> Client:
        """The client of a request: the last address in X-Forwarded-For that is no declared proxy itself."""
        client = self.client
        if not client.trusted:
            return client
        named = b",".join([line.value for line in request.lines if line.lower == FORWARDED_FOR])
        for item in reversed(named.decode("latin-1").split(",")):
            address = _address(item.strip(" \t"))
            if address is None:
                break
            if not _within(address, self._proxies):
                return replace(client, address=address)
        return client


def _address(text: str) -> str | None:
    if "%" in text:
        # A zone means something on the machine that wrote it, and may hold anything.
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _within(address: str, networks: Sequence[Network]) -> bool:
    parsed = _address(address)
    return parsed is not None and any(ipaddress.ip_address(parsed) in network for network in networks)
