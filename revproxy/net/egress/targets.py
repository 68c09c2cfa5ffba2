"""What may be connected to: a table that is made once, in the order of the configuration, and never changes.

A worker knows the same table and asks by number. Nothing here resolves or connects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from revproxy.config.settings import Settings


class Kind(StrEnum):
    """How a target is reached."""

    TCP = "tcp"
    UDP = "udp"
    LOCAL = "local"
    """A datagram socket of this machine; `host` is its path."""


@dataclass(frozen=True, slots=True)
class Target:
    """One of them. `networks`: where its name may lead; none: anywhere."""

    name: str
    kind: Kind
    host: str
    port: int
    most: int
    """Requests of one worker for it that may be under way at a time."""
    networks: tuple[str, ...] = ()


_LOG_REQUESTS = 4


def targets_of(settings: Settings, networks: Sequence[str] = ()) -> tuple[Target, ...]:
    """Upstreams, in their order, then the syslog servers of the logs. `networks` are those of the upstreams."""
    upstreams = (
        Target(upstream_target(u.name), Kind.TCP, u.address.host, u.address.port, u.connections, tuple(networks))
        for u in settings.upstreams
    )
    return (
        *upstreams,
        *_syslogs({log.to for log in (settings.logs.access, settings.logs.audit, settings.logs.error)}),
    )


def _syslogs(logs: Iterable[str]) -> list[Target]:
    found = []
    for to in sorted(logs):
        word, _, where = to.partition(":")
        if word != "syslog":
            continue
        if where.startswith("/"):
            found.append(Target(log_target(where), Kind.LOCAL, where, 0, _LOG_REQUESTS))
        else:
            host, _, port = where.rpartition(":")
            found.append(Target(log_target(where), Kind.UDP, host.strip("[]"), int(port), _LOG_REQUESTS))
    return found


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
    return tuple(Target(**{**row, "kind": Kind(row["kind"]), "networks": tuple(row["networks"])}) for row in rows)
