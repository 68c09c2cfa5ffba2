"""Whom a connection speaks for: X-Forwarded-For is read from its end, through declared proxies only."""

from __future__ import annotations

import ipaddress

import pytest

from revproxy.model import HttpLimits
from revproxy.protocols.http1 import parse_request
from revproxy.proxy.http.peers import Peer

PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")]
CASES = [
    ("192.0.2.7", [b"6.6.6.6"], "192.0.2.7", False),
    ("10.0.0.1", [], "10.0.0.1", True),
    ("10.0.0.1", [b"192.0.2.1"], "192.0.2.1", True),
    ("10.0.0.1", [b"6.6.6.6, 192.0.2.1"], "192.0.2.1", True),
    ("10.0.0.1", [b"6.6.6.6", b"192.0.2.1"], "192.0.2.1", True),
    ("10.0.0.1", [b"6.6.6.6, 192.0.2.1, 10.9.9.9"], "192.0.2.1", True),
    ("10.0.0.1", [b"10.1.1.1, 10.2.2.2"], "10.0.0.1", True),
    ("10.0.0.1", [b"192.0.2.1, unknown"], "10.0.0.1", True),
    ("10.0.0.1", [b"192.0.2.1:5000"], "10.0.0.1", True),
    ("10.0.0.1", [b"\xff\xfe"], "10.0.0.1", True),
    ("10.0.0.1", [b""], "10.0.0.1", True),
    ("10.0.0.1", [b"fe80::1%\xe9"], "10.0.0.1", True),
    ("10.0.0.1", [b"fe80::1%<s>"], "10.0.0.1", True),
    ("2001:db8::1%eth0", [b"2001:DB9::00:1"], "2001:db9::1", True),
]


@pytest.mark.parametrize(("peer", "said", "client", "trusted"), CASES)
def test_client(peer: str, said: list[bytes], client: str, trusted: bool) -> None:
    lines = b"".join(b"X-Forwarded-For: %b\r\n" % one for one in said)
    request = parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n", HttpLimits())
    got = Peer(peer, b"http", "web", PROXIES).client_of(request)
    assert (got.address, got.trusted, got.peer) == (client, trusted, peer.partition("%")[0])


def test_ports_are_those_of_the_connection() -> None:
    request = parse_request(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", HttpLimits())
    got = Peer("10.0.0.1", b"http", "web", PROXIES, 4711, ("10.0.0.9", 80)).client_of(request)
    assert (got.address, got.port, got.local) == ("192.0.2.1", 4711, ("10.0.0.9", 80))
