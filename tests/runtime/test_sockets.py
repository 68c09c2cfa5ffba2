from __future__ import annotations

import socket

import pytest

from revproxy.config.settings import Address, Listener, ListenerKind, Settings
from revproxy.errors import ConfigError
from revproxy.runtime.sockets import ADMIN, Keeper, addresses, bind, bound, unavailable


@pytest.fixture
def keeper():
    keeper = Keeper()
    yield keeper
    keeper.close()


def _reachable(address: Address) -> bool:
    try:
        socket.create_connection((address.host, address.port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_socket_listens_and_blocks_nobody():
    with bind(Address("127.0.0.1", 0)) as sock:
        assert not sock.getblocking()
        assert _reachable(bound(sock))


def test_ipv6_is_only_ipv6():
    try:
        sock = bind(Address("::1", 0))
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with sock:
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        assert _reachable(bound(sock))


def test_a_name_is_resolved():
    with bind(Address("localhost", 0)) as sock:
        assert bound(sock).host in ("127.0.0.1", "::1")


def test_sockets_are_kept_by_address(keeper, free_port):
    first = keeper.bind({"web": Address("127.0.0.1", free_port), "any": Address("127.0.0.1", 0)}, "f")
    again = keeper.bind({"renamed": Address("127.0.0.1", free_port), "any": Address("127.0.0.1", 0)}, "f")
    assert again["renamed"] is first["web"]
    assert again["any"] is first["any"]


def test_two_listeners_on_any_port_are_two(keeper):
    got = keeper.bind({"a": Address("127.0.0.1", 0), "b": Address("127.0.0.1", 0)}, "f")
    assert bound(got["a"]) != bound(got["b"])


def test_keep_only_closes_the_others(keeper, free_port):
    wanted = {"a": Address("127.0.0.1", free_port), "b": Address("127.0.0.1", 0)}
    got = keeper.bind(wanted, "f")
    where = bound(got["b"])
    keeper.keep_only({"x": Address("127.0.0.1", free_port)})
    assert not _reachable(where)
    assert _reachable(bound(got["a"]))


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("192.0.2.1", 0), "Cannot assign requested address"),
        (Address("no-such-host.invalid", 80), "cannot listen on no-such-host.invalid:80"),
    ],
)
def test_a_failing_bind_leaves_nothing_new_bound(keeper, free_port, address, text):
    with pytest.raises(ConfigError, match=text) as caught:
        keeper.bind({"good": Address("127.0.0.1", free_port), "bad": address}, "revproxy.yaml")
    assert str(caught.value).startswith("revproxy.yaml: bad cannot listen")
    assert not _reachable(Address("127.0.0.1", free_port))


def test_addresses_of_settings():
    web = Listener("web", ListenerKind.HTTP, Address("::", 80))
    settings = Settings(listeners=(web,), upstreams=(), admin=Address("127.0.0.1", 9180))
    assert addresses(settings) == {"listener web": Address("::", 80), ADMIN: Address("127.0.0.1", 9180)}
    assert list(addresses(Settings(listeners=(web,), upstreams=(), admin=None))) == ["listener web"]


def test_what_this_machine_can_listen_on():
    assert unavailable(Address("127.0.0.1", 1)) is None
    assert unavailable(Address("0.0.0.0", 80)) is None
    reason, hint = unavailable(Address("192.0.2.1", 80))
    assert "cannot listen on 192.0.2.1:80" in reason
    assert "no interface" in hint


def test_sockets_of_a_service_manager_are_found_by_their_address(keeper, free_port):
    given = socket.create_server(("127.0.0.1", free_port))
    address = Address("localhost", free_port)
    keeper.take([given], {"web": address, "other": Address("127.0.0.1", 0)}, "f")
    got = keeper.bind({"web": address, "other": Address("127.0.0.1", 0)}, "f")
    assert got["web"] is given
    assert not given.getblocking()
    assert keeper.held({"web": address}) == {str(address): given}


@pytest.mark.parametrize("kind", ["address", "bound only", "udp", "unix"])
def test_a_socket_that_no_listener_has_is_an_error(keeper, free_port, tmp_path, kind):
    wanted = {"web": Address("127.0.0.1", free_port), "nowhere": Address("no-such-host.invalid", 1)}
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as sock:
        places = {"address": ("127.0.0.1", 0), "unix": str(tmp_path / "sock")}
        sock.bind(places.get(kind, ("127.0.0.1", free_port)))
        if kind == "address":
            sock.listen()
        with pytest.raises(ConfigError, match="which no listener has"):
            keeper.take([sock], wanted, "f")


def test_what_is_no_listening_socket_of_that_port_is_not_adopted(keeper, free_port):
    other, deaf = socket.create_server(("127.0.0.1", 0)), socket.socket()
    keeper.adopt({f"127.0.0.1:{free_port}": other, "127.0.0.1:0 listener web": deaf})
    assert other.fileno() == deaf.fileno() == -1
    address = Address("127.0.0.1", free_port)
    assert bound(keeper.bind({"web": address}, "f")["web"]) == address


def test_what_is_adopted_is_kept_once(keeper, free_port):
    address = Address("127.0.0.1", free_port)
    first = keeper.bind({"web": address}, "f")["web"]
    second = first.dup()
    keeper.adopt({str(address): second})
    assert second.fileno() == -1
    assert keeper.bind({"web": address}, "f")["web"] is first
