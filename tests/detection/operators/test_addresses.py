from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators.addresses import ip_match

networks = st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}")


@given(st.lists(networks, min_size=1, max_size=5), st.ip_addresses(v=4))
def test_as_one_by_one(several: list[str], address: object) -> None:
    want = any(ip_address(str(address)) in ip_network(one, strict=False) for one in several)
    assert ip_match(",".join(several))(str(address).encode()) == want
    assert ip_match(tuple(several))(f"::ffff:{address}".encode()) == want


@pytest.mark.parametrize(
    "value", [b"", b"10.0.0.1 ", b"10.0.0.01", b"fe80::1%eth0", b"1" * 100, b"\xff", "١".encode()]
)
def test_what_is_no_address_matches_nothing(value: bytes) -> None:
    assert not ip_match("0.0.0.0/0,::/0")(value)


def test_families_stay_apart() -> None:
    assert not ip_match("::/0")(b"10.0.0.1")
    assert ip_match("2001:db8::/32, 10.0.0.0/8")(b"2001:DB8::1")
