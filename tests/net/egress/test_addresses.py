"""Names are asked for seldom and together, and never lead out of the declared networks."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.net.egress import addresses
from revproxy.net.egress.addresses import Addresses, Outside, Place, Unresolved, look_up
from revproxy.net.egress.targets import Kind, Target

INSIDE: Place = (socket.AF_INET, ("10.1.2.3", 80))
OUTER: Place = (socket.AF_INET, ("192.0.2.1", 80))
MAPPED: Place = (socket.AF_INET6, ("::ffff:169.254.169.254", 80, 0, 0))


def target(host: str = "app.internal", kind: Kind = Kind.TCP, *networks: str) -> Target:
    return Target("upstream app", kind, host, 80, 4, networks or None)


class Names:
    """A name server that says what it is told to."""

    def __init__(self, *answers: list[Place] | OSError) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _: Target) -> list[Place]:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


async def test_addresses_are_asked_of_nobody() -> None:
    names = Names()
    assert await Addresses(target("10.0.0.1"), names).places() == [(socket.AF_INET, ("10.0.0.1", 80))]
    assert await Addresses(target("2001:db8::1"), names).places() == [(socket.AF_INET6, ("2001:db8::1", 80, 0, 0))]
    assert await Addresses(target("/dev/log", Kind.LOCAL), names).places() == [(socket.AF_UNIX, "/dev/log")]
    assert names.asked == 0


async def test_an_answer_that_leads_out_is_left_out() -> None:
    names = Names([OUTER, INSIDE, MAPPED])
    assert await Addresses(target("app", Kind.TCP, "10.0.0.0/8"), names).places() == [INSIDE]


@pytest.mark.parametrize("place", [OUTER, MAPPED, (socket.AF_INET6, ("fe80::1%lo", 80, 0, 1))])
async def test_rebinding_leads_nowhere(place: Place) -> None:
    found = Addresses(target("app", Kind.TCP, "10.0.0.0/8", "2001:db8::/32"), Names([place]))
    with pytest.raises(Outside):
        await found.places()


async def test_a_literal_address_is_held_to_the_networks_too() -> None:
    with pytest.raises(Outside):
        await Addresses(target("192.0.2.1", Kind.TCP, "10.0.0.0/8")).places()


async def test_without_networks_anything_goes_and_with_none_of_them_nothing() -> None:
    assert await Addresses(target(), Names([OUTER])).places() == [OUTER]
    with pytest.raises(Outside):
        await Addresses(replace(target(), networks=()), Names([OUTER])).places()


async def test_all_who_ask_at_once_share_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(addresses.time, "monotonic", lambda: now[0])
    names = Names([INSIDE], [OUTER])
    found = Addresses(target(), names)
    assert await asyncio.gather(*(found.places() for _ in range(20))) == [[INSIDE]] * 20
    now[0] += addresses.KEPT_SECONDS - 0.1
    assert await found.places() == [INSIDE]
    assert names.asked == 1
    now[0] += 0.2
    assert await found.places() == [OUTER]


async def test_a_name_that_is_none() -> None:
    names = Names(socket.gaierror(socket.EAI_NONAME, "no such name"))
    found = Addresses(target(), names)
    for _ in range(3):
        with pytest.raises(Unresolved, match="no such name"):
            await found.places()
    assert names.asked == 1, "an answer that there is none holds for a while, too"


async def test_the_system_is_asked() -> None:
    places = await look_up(target("localhost"))
    assert places
    assert all(place[1] == 80 for _, place in places)


@given(st.ip_addresses(v=4), st.integers(0, 32))
@settings(deadline=None)
def test_what_comes_through_is_in_the_network(address: IPv4Address, prefix: int) -> None:
    place: Place = (socket.AF_INET, (str(address), 80))
    found = Addresses(target("app", Kind.TCP, f"10.0.0.0/{prefix}"), Names([place]))
    mask = (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF
    inside = int(address) & mask == (10 << 24) & mask
    try:
        assert asyncio.run(found.places()) == [place]
        assert inside
    except Outside:
        assert not inside
