from dataclasses import replace
from pathlib import Path

import pytest

from revproxy.config import Administration, load
from revproxy.dmz import Way, declared
from revproxy.errors import ConfigError, ManyErrors

TEXT = (Path(__file__).resolve().parents[1] / "data" / "dmz" / "revproxy.yaml").read_text()
SHORT = """\
listeners: [{name: web, kind: http, bind: "192.0.2.10:80"}]
upstreams: {app: "10.0.0.5:80"}
routes: [{upstream: app}]
spool: .
cache: .
zones:
  dmz: 192.0.2.0/28
  internal: 10.0.0.0/24
"""


def of(tmp_path, text):
    (tmp_path / "revproxy.yaml").write_text(text)
    return load(tmp_path / "revproxy.yaml")


def words(flow):
    own, others = (" ".join(map(str, end)) for end in (flow.own, flow.others))
    arrow = "<-" if flow.way is Way.IN else "->"
    return f"{own} {arrow} {others or flow.zone} {flow.protocol} {flow.port} {flow.name}"


def test_all_that_a_configuration_declares(flows):
    assert [words(flow) for flow in flows.flows] == [
        "10.0.5.10/32 <- 198.51.100.0/24 tcp 443 listener web by proxy",
        "10.0.5.10/32 <- 10.0.5.3/32 tcp 443 listener web by proxy",
        "10.0.5.10/32 <- external tcp 443 listener web",
        "2001:db8:d::10/128 <- external tcp 443 listener web6",
        "10.0.5.10/32 <- external tcp 25 listener mx",
        "10.0.5.0/24 <- 10.0.0.200/31 tcp 22 administration",
        "2001:db8:d::/64 <- fd00:10::c8/128 tcp 22 administration",
        "10.0.5.10/32 <- 10.0.0.200/31 tcp 9180 admin listener",
        "10.0.5.10/32 -> 10.0.0.5/32 tcp 8080 upstream shop, upstream beta",
        "10.0.5.10/32 -> 10.0.0.6/32 tcp 25 upstream mail",
        "2001:db8:d::10/128 -> fd00:10::5/128 tcp 80 upstream wiki",
        "10.0.5.10/32 -> 10.0.0.53/32 udp 53 dns",
        "10.0.5.10/32 -> 10.0.0.53/32 tcp 53 dns",
        "10.0.5.10/32 -> 10.0.0.7/32 tcp 3310 clamd",
        "10.0.5.10/32 -> 10.0.5.20/32 tcp 6379 redis",
        "10.0.5.10/32 -> 198.51.100.7/32 tcp 443 feed",
        "10.0.5.10/32 -> 10.0.0.53/32 udp 123 ntp",
        "10.0.5.10/32 -> 203.0.113.80/32 tcp 80 packages",
        "10.0.5.10/32 -> 10.0.0.9/32 udp 514 syslog",
    ]
    assert [flow.trusted for flow in flows.flows].count(True) == 2
    assert (flows.per_second, flows.held) == (40, 100)
    assert [words(flow) for flow in flows.administration] == [words(flow) for flow in flows.flows[5:7]]


def test_listeners_on_every_leg_have_the_declared_addresses(tmp_path):
    text = SHORT.replace("192.0.2.10:80", "0.0.0.0:80") + '  host: [192.0.2.10, 192.0.2.11, "2001:db8::1"]\n'
    found = declared(of(tmp_path, text)).flows
    assert [words(flow) for flow in found][:2] == [
        "192.0.2.10/32 <- external tcp 80 listener web",
        "192.0.2.11/32 <- external tcp 80 listener web",
    ]
    assert words(found[-1]) == "192.0.2.10/32 192.0.2.11/32 -> 10.0.0.5/32 tcp 80 upstream app".replace(
        "192.0.2.10/32 192.0.2.11/32", " ".join(map(str, found[-1].own))
    )
    assert {str(own) for own in found[-1].own} == {"192.0.2.10/32", "192.0.2.11/32"}


def test_administrators_of_a_network_around_the_dmz_come_from_both_zones(loaded):
    zones = replace(loaded.settings.zones, administration=Administration(("10.0.0.0/20",), (22,)))
    changed = replace(loaded, settings=replace(loaded.settings, zones=zones))
    assert {flow.zone.value for flow in declared(changed).administration} == {"internal", "dmz"}


def test_without_zones(tmp_path):
    with pytest.raises(ConfigError, match="the configuration declares no zones"):
        declared(of(tmp_path, SHORT.partition("zones:")[0]))


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        (
            "10.0.0.5:80",
            "app.internal:80",
            "2:18: upstream app is at 'app.internal', which is a name: a firewall holds",
        ),
        ("192.0.2.10:80", "192.0.2.10:0", "1:43: port 0 is another one at each start"),
        ("10.0.0.5:80", "[fd00:10::5]:80", "2:18: upstream app has an IPv6 address, and this machine none"),
        ("spool:", "admin: '127.0.0.1:0'\nspool:", "4:8: port 0 is another one"),
        ("spool:", "logs: {access: 'syslog:logs.internal:514'}\nspool:", "4:16: syslog is at 'logs.internal', which"),
    ],
)
def test_what_a_firewall_cannot_hold(tmp_path, old, new, wrong):
    text = SHORT.replace(old, new).replace("10.0.0.0/24", '[10.0.0.0/24, "fd00:10::/64"]')
    with pytest.raises(ConfigError) as caught:
        declared(of(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path}/revproxy.yaml:{wrong}")
    assert "^" in str(caught.value)


def test_servers_in_no_zone_and_names_in_one_go(tmp_path):
    more = '  external: 198.51.100.0/24\n  services: {feed: ["feed.example:443", "203.0.113.1:443"]}\n'
    with pytest.raises(ManyErrors) as caught:
        declared(of(tmp_path, SHORT + more))
    assert [(error.where.line, error.where.column) for error in caught.value.errors] == [(10, 21), (10, 41)]
    assert "feed is at 203.0.113.1, which is in no zone" in str(caught.value)


def test_what_is_on_this_machine_needs_no_rule(tmp_path):
    more = '  services: {redis: ["127.0.0.1:6379", "localhost:6379"]}\n'
    assert len(declared(of(tmp_path, SHORT + more)).flows) == 2
