import ipaddress

import pytest

from revproxy.dmz import Chain, NftSet, Table
from revproxy.dmz.tables import addresses, braces, one_of

TEXT = """\
table inet t
delete table inet t
table inet t {
\tset dmz4 {
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = { 10.0.0.0/24, 10.0.2.1 }
\t}

\tset rate4 {
\t\ttype ipv4_addr
\t\tsize 10
\t\tflags dynamic,timeout
\t\ttimeout 60s
\t}

\tset held4 {
\t\ttype ipv4_addr
\t\tsize 10
\t\tflags dynamic
\t}

\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\taccept
\t}

\tchain other {
\t\tdrop
\t}
}
"""


def test_text():
    sets = (
        NftSet("dmz4", "ipv4_addr", ("10.0.0.0/24", "10.0.2.1")),
        NftSet("rate4", "ipv4_addr", size=10, timeout=60),
        NftSet("held4", "ipv4_addr", size=10),
    )
    hook = "type filter hook input priority filter; policy drop;"
    assert Table("t", sets, (Chain("input", ("accept",), hook), Chain("other", ("drop",)))).text() == TEXT


def test_an_empty_set_has_no_elements():
    assert list(NftSet("a", "ipv4_addr").lines()) == ["type ipv4_addr", "flags interval"]


def test_braces():
    assert braces(["a"]) == "{ a }"
    assert one_of(["a"]) == "a"
    assert one_of(["a", "b"]) == "{ a, b }"


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        (["10.0.0.1/32"], ("10.0.0.1",)),
        (["2001:db8::1/128", "2001:db8::/127"], ("2001:db8::/127",)),
        (["10.0.1.0/24", "10.0.0.0/24", "192.0.2.9/32"], ("10.0.0.0/23", "192.0.2.9")),
    ],
)
def test_addresses(networks, words):
    assert addresses(map(ipaddress.ip_network, networks)) == words
