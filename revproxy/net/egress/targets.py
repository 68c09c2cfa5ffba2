"""What may be connected to: a table that is made once, in the order of the configuration, and never changes.

A worker knows the same table and asks by number. Nothing here resolves or connects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from revproxy.config.settings import Log, Settings, Zone, Zones
from revproxy.config.zones import disjoint, literal


class Kind(StrEnum):
    """How a target is reached."""

    TCP = "tcp"
    UDP = "udp"
    LOCAL = "local"
    """A datagram socket of this machine; `host` is its path."""


@dataclass(frozen=True, slots=True)
class Target:
    """One of them. `networks`: where it may lead; None: anywhere."""

    name: str
    kind: Kind
    host: str
    port: int
    most: int
    """Requests of one worker for it that may be under way at a time."""
    networks: tuple[str, ...] | None = None


_LOG_REQUESTS = 4
_LOOPBACK = ("127.0.0.0/8", "::1/128")


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """Upstreams, in their order, then the syslog servers of the logs. Where zones are declared, upstreams are held to
    the internal one."""
    upstreams = (
        Target(
            upstream_target(u.name),
            Kind.TCP,
            u.address.host,
            u.address.port,
            u.connections,
            _networks(settings.zones, u.address.host),
        )
        for u in settings.upstreams
    )
    return (*upstreams, *_syslogs([settings.logs.access, settings.logs.audit, settings.logs.error]))


def _networks(zones: Zones | None, host: str) -> tuple[str, ...] | None:
    if zones is None:
        return None
    address = literal(host)
    if address is not None and address.is_loopback:
        # This machine, declared as such: it is in no zone. A name must not lead there.
        return _LOOPBACK
    return tuple(str(network) for version in (4, 6) for network in disjoint(zones, Zone.INTERNAL, version))


def _syslogs(logs: Iterable[Log]) -> list[Target]:
    found = []
    for log in sorted(logs, key=lambda log: log.to):
        word, _, where = log.to.partition(":")
        if (server := log.server) is not None:
            found.append(Target(log_target(where), Kind.UDP, server.host, server.port, _LOG_REQUESTS))
        elif word == "syslog":
            found.append(Target(log_target(where), Kind.LOCAL, where, 0, _LOG_REQUESTS))
    return list({target.name: target for target in found}.values())


def upstream_target(name: str) -> str:
    """What the target of an upstream is called."""
    return f"upstream {name}"


def log_target(where: str) -> str:
    """What the target of a syslog server is called: `HOST:PORT` or a path, as `audit` has it."""
    return f"syslog {where}"


def as_plain(targets: Iterable[Target]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(target) for target in targets]


def from_plain(rows: Iterable[dict[str, Any]]) -> tuple[Target, ...]:
    """Back from JSON."""
    return tuple(map(_target, rows))


def _target(row: dict[str, Any]) -> Target:
    networks = row["networks"]
    return Target(**{**row, "kind": Kind(row["kind"]), "networks": None if networks is None else tuple(networks)})
