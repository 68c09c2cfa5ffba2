"""The table that broker and workers share."""

from __future__ import annotations

import json

from revproxy.config.settings import Address, Listener, ListenerKind, Log, Logs, Settings, Upstream
from revproxy.net.egress.targets import Kind, Target, as_plain, from_plain, log_target, targets_of, upstream_target

SETTINGS = Settings(
    listeners=(Listener("web", ListenerKind.HTTP, Address("127.0.0.1", 0)),),
    upstreams=(Upstream("web", Address("10.0.0.1", 80)), Upstream("mail", Address("mx.internal", 25), connections=7)),
    logs=Logs(Log("syslog:[::1]:514"), Log("syslog:/dev/log"), Log("syslog:/dev/log")),
)


def test_upstreams_in_order_then_the_logs_once_each() -> None:
    assert targets_of(SETTINGS, ["10.0.0.0/8"]) == (
        Target(upstream_target("web"), Kind.TCP, "10.0.0.1", 80, 256, ("10.0.0.0/8",)),
        Target(upstream_target("mail"), Kind.TCP, "mx.internal", 25, 7, ("10.0.0.0/8",)),
        Target(log_target("/dev/log"), Kind.LOCAL, "/dev/log", 0, 4),
        Target(log_target("[::1]:514"), Kind.UDP, "::1", 514, 4),
    )


def test_other_logs_need_no_target() -> None:
    settings = Settings(SETTINGS.listeners, (), logs=Logs(Log("file:/var/log/a"), Log("stdout"), Log("none")))
    assert targets_of(settings) == ()


def test_the_table_goes_through_json() -> None:
    table = targets_of(SETTINGS, ["10.0.0.0/8"])
    assert from_plain(json.loads(json.dumps(as_plain(table)))) == table
