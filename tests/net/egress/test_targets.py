"""The table that broker and workers share."""

from __future__ import annotations

import json
from dataclasses import replace

from revproxy.config.settings import Address, Listener, ListenerKind, Log, Logs, Settings, Upstream, Zones
from revproxy.net.egress.targets import Kind, Target, as_plain, from_plain, log_target, targets_of, upstream_target

SETTINGS = Settings(
    listeners=(Listener("web", ListenerKind.HTTP, Address("127.0.0.1", 0)),),
    upstreams=(Upstream("web", Address("10.0.0.1", 80)), Upstream("mail", Address("mx.internal", 25), connections=7)),
    logs=Logs(Log("syslog:[::1]:514"), Log("syslog:/dev/log"), Log("syslog:/dev/log")),
)


INTERNAL = ("10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/11", "10.240.0.0/12", "fd00::/8")
ZONED = replace(SETTINGS, zones=Zones(dmz=("10.224.0.0/12",), internal=("10.0.0.0/8", "fd00::/8")))


def test_upstreams_in_order_then_the_logs_once_each() -> None:
    assert targets_of(SETTINGS) == (
        Target(upstream_target("web"), Kind.TCP, "10.0.0.1", 80, 256),
        Target(upstream_target("mail"), Kind.TCP, "mx.internal", 25, 7),
        Target(log_target("/dev/log"), Kind.LOCAL, "/dev/log", 0, 4),
        Target(log_target("[::1]:514"), Kind.UDP, "::1", 514, 4),
    )


def test_where_zones_are_declared_upstreams_are_held_to_the_inside() -> None:
    """Without what the DMZ is of it, and names not to loopback."""
    assert [target.networks for target in targets_of(ZONED)] == [INTERNAL, INTERNAL, None, None]


def test_an_upstream_on_this_machine_is_held_to_it() -> None:
    local = replace(ZONED, upstreams=(Upstream("web", Address("localhost", 80)), Upstream("m", Address("::1", 25))))
    assert {target.networks for target in targets_of(local)[:2]} == {("127.0.0.0/8", "::1/128")}


def test_an_inside_of_nothing_is_nowhere() -> None:
    empty = replace(SETTINGS, zones=Zones(dmz=("10.0.0.0/8",), internal=()))
    assert targets_of(empty)[1].networks == ()


def test_other_logs_need_no_target() -> None:
    settings = Settings(SETTINGS.listeners, (), logs=Logs(Log("file:/var/log/a"), Log("stdout"), Log("none")))
    assert targets_of(settings) == ()


def test_the_table_goes_through_json() -> None:
    for table in (targets_of(SETTINGS), targets_of(ZONED)):
        assert from_plain(json.loads(json.dumps(as_plain(table)))) == table
