import ipaddress

import pytest

from revproxy.config import Address, Listener, ListenerKind, Settings, Zone, Zones, load
from revproxy.config.zones import disjoint, own_addresses, zone_of
from revproxy.errors import ManyErrors

NESTED = Zones(dmz=("10.0.5.0/24", "2001:db8:5::/64"), internal=("10.0.0.0/8", "2001:db8::/32"))
PARTNER = Zones(dmz=("192.0.2.0/28",), internal=("10.0.0.0/8",), external=("203.0.113.0/24",))


@pytest.mark.parametrize(
    ("zones", "address", "zone"),
    [
        (NESTED, "10.0.5.1", Zone.DMZ),
        (NESTED, "10.0.6.1", Zone.INTERNAL),
        (NESTED, "2001:db8:5::1", Zone.DMZ),
        (NESTED, "2001:db8:6::1", Zone.INTERNAL),
        (NESTED, "192.0.2.1", Zone.EXTERNAL),
        (NESTED, "127.0.0.1", None),
        (NESTED, "::1", None),
        (PARTNER, "203.0.113.9", Zone.EXTERNAL),
        (PARTNER, "198.51.100.9", None),
    ],
)
def test_the_longest_prefix_decides(zones, address, zone):
    assert zone_of(zones, ipaddress.ip_address(address)) is zone


@pytest.mark.parametrize("zone", Zone)
@pytest.mark.parametrize("zones", [NESTED, PARTNER])
def test_networks_without_what_belongs_to_others(zones, zone):
    """Held against `zone_of` at both ends of every network and beside them."""
    ends = {
        end + step
        for one in Zone
        for network in map(ipaddress.ip_network, getattr(zones, one))
        for end in (network.network_address, network.broadcast_address)
        for step in (-1, 0, 1)
    }
    for end in ends:
        inside = any(end in network for network in disjoint(zones, zone, end.version))
        assert inside == (zone_of(zones, end) is zone and bool(getattr(zones, zone)))


def test_networks_of_one_version():
    assert disjoint(NESTED, Zone.DMZ, 6) == [ipaddress.ip_network("2001:db8:5::/64")]
    assert sum(network.num_addresses for network in disjoint(NESTED, Zone.INTERNAL, 4)) == 2**24 - 2**8


def test_own_addresses():
    binds = ("192.0.2.10", "127.0.0.1", "192.0.2.10", "2001:db8::10")
    listeners = tuple(Listener(f"l{i}", ListenerKind.HTTP, Address(host, i)) for i, host in enumerate(binds))
    assert [str(one) for one in own_addresses(Settings(listeners, ()))] == ["192.0.2.10", "2001:db8::10"]
    declared = Zones(dmz=("192.0.2.0/28",), internal=("10.0.0.0/8",), host=("192.0.2.11",))
    assert [str(one) for one in own_addresses(Settings(listeners, (), zones=declared))] == ["192.0.2.11"]


GOOD = """\
listeners: [{name: web, kind: http, bind: "192.0.2.10:80"}]
upstreams:
  app: 10.0.0.5:80
routes: [{upstream: app}]
admin: 127.0.0.1:9180
logs: {access: none, audit: {to: "syslog:10.0.0.9:514"}}
spool: .
cache: .
zones:
  dmz: 192.0.2.0/28
  internal: [10.0.0.0/24]
  host: [192.0.2.10]
  administration: {networks: [10.0.0.200]}
  services: {dns: ["10.0.0.53:53"], clamd: ["127.0.0.1:3310"], feed: ["198.51.100.7:443"]}
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", None),
        ("10.0.0.5:80", "app.internal:80", None),
        ("192.0.2.10:80", "0.0.0.0:80", None),
        ("192.0.2.10:80", "127.0.0.1:80", None),
        ("192.0.2.10:80", "203.0.113.1:80", None),
        ("192.0.2.10:80", "10.0.0.10:80", "1:43: a listener on 10.0.0.10, which is in zone internal"),
        ("192.0.2.10:80", "[::]:80", "1:43: :: is every leg of this machine, an internal one too"),
        ("10.0.0.5:80", "10.0.1.5:80", "3:8: upstream 'app' is in zone external, not in a declared internal network"),
        ("10.0.0.5:80", "192.0.2.11:80", "3:8: upstream 'app' is in zone dmz, not in"),
        ("10.0.0.5:80", "{address: '127.0.0.1:80'}", "3:18: upstream 'app' is this machine, not in"),
        ("127.0.0.1:9180", "192.0.2.10:9180", None),
        ("127.0.0.1:9180", "10.0.0.10:9180", None),
        ("127.0.0.1:9180", "0.0.0.0:9180", None),
        ("127.0.0.1:9180", "203.0.113.1:9180", "5:8: the admin listener on 203.0.113.1, which is in zone external"),
        ("10.0.0.9:514", "198.51.100.9:514", "6:34: records would be sent outside, to 198.51.100.9"),
        ("10.0.0.9:514", "logs.internal:514", None),
        ("[10.0.0.0/24]", "[]", "11:13: zones.internal holds no network"),
        ("dmz: 192.0.2.0/28", "dmz: 0.0.0.0/0", "10:8: 0.0.0.0/0 is wider than a network of zone dmz"),
        ("[10.0.0.0/24]", "[10.0.0.0/7]", "11:14: 10.0.0.0/7 is wider than a network of zone internal"),
        ("[10.0.0.0/24]", "[10.0.0.0/8]", None),
        ("[10.0.0.0/24]", "[10.0.0.0/24, '::/0']", "11:27: ::/0 is wider than a network of zone internal"),
        ("[10.0.0.0/24]", "[10.0.0.0/24, 'fc00::/7']", None),
        ("[10.0.0.0/24]", "[10.0.0.0/24, 192.0.2.0/28]", "11:27: 192.0.2.0/28 stands in dmz too"),
        ("  dmz: 192.0.2.0/28\n", "", "10:3: zones has no 'dmz'"),
        ("[10.0.0.200]", "[198.51.100.0/24]", "13:31: 198.51.100.0/24 is neither internal nor in the DMZ"),
        ("127.0.0.1:3310", "198.51.100.1:3310", "14:45: clamd at 198.51.100.1:3310 is outside"),
        ("[192.0.2.10]\n", "[10.0.0.10/32]\n", "12:10: '10.0.0.10/32' is no IP address"),
        ("[10.0.0.200]", "[10.0.0.200], ports: [0]", "13:52: '0' is no port"),
    ],
)
def test_what_stands_in_the_wrong_zone(tmp_path, old, new, wrong):
    path = tmp_path / "revproxy.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    if wrong is None:
        assert load(path).settings.zones is not None
        return
    with pytest.raises(ManyErrors) as caught:
        load(path)
    (error,) = caught.value.errors
    assert str(error).startswith(f"{path}:{wrong}")


def test_a_wildcard_with_an_internal_leg(tmp_path):
    path = tmp_path / "revproxy.yaml"
    path.write_text(GOOD.replace("192.0.2.10:80", "0.0.0.0:80").replace("[192.0.2.10]", "[192.0.2.10, 10.0.0.10]"))
    with pytest.raises(ManyErrors, match=r":1:43: a listener on 10.0.0.10, which is in zone internal\n"):
        load(path)


def test_all_wrong_places_in_one_go(tmp_path):
    path = tmp_path / "revproxy.yaml"
    path.write_text(GOOD.replace("192.0.2.10:80", "10.0.0.10:80").replace("10.0.0.5:80", "198.51.100.1:80"))
    with pytest.raises(ManyErrors) as caught:
        load(path)
    assert [error.where.line for error in caught.value.errors] == [1, 3]
    assert 'bind: "10.0.0.10:80"' in str(caught.value)
    assert f"\n  {' ' * 42}^\n" in str(caught.value)


@pytest.mark.parametrize(("address", "column"), [("app.internal:80", 8), ("{address: 'app.internal:80'}", 18)])
def test_an_upstream_with_a_name_is_a_notice(tmp_path, address, column):
    path = tmp_path / "revproxy.yaml"
    path.write_text(GOOD.replace("10.0.0.5:80", address))
    (notice,) = load(path).notices
    assert str(notice).startswith(f"{path}:3:{column}: notice: upstream 'app' has a name: no firewall rule")
    path.write_text(GOOD.partition("zones:")[0].replace("10.0.0.5:80", address))
    assert load(path).notices == ()


def test_without_zones_nothing_is_held(tmp_path):
    path = tmp_path / "revproxy.yaml"
    path.write_text(GOOD.partition("zones:")[0].replace("192.0.2.10:80", "10.0.0.10:80"))
    assert load(path).settings.zones is None
    path.write_text(path.read_text() + "zones:\n")
    assert load(path).settings.zones is None
