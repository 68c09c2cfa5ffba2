"""Which exclusions apply to a request: by host and by path.

An exclusion opens a door, so that it applies only where every reading of a path leads below its own: as it arrived,
and decoded and normalised once and twice (`paths`). What a request leaves out is for the rule engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from revproxy.detection.rules import Exclusion
from revproxy.proxy.http.paths import host_name, readings, under


@dataclass(frozen=True, slots=True)
class Placed:
    """An exclusion, and where it applies: `hosts` as those of a route (none: any), `path` a prefix."""

    exclusion: Exclusion
    hosts: tuple[str, ...] = ()
    path: str = "/"


class _Row:
    """One of them, ready."""

    __slots__ = ("_hosts", "_paths", "everywhere", "exclusion")

    def __init__(self, placed: Placed) -> None:
        self.exclusion = placed.exclusion
        named = () if "*" in placed.hosts else placed.hosts
        self._hosts = tuple(host.encode("ascii").lower() for host in named)
        self._paths = readings(placed.path.encode("utf-8"))
        self.everywhere = placed.path == "/" and not self._hosts

    def fits(self, name: bytes, paths: Sequence[bytes]) -> bool:
        if self._hosts and not any(name.endswith(h[1:]) if h[:1] == b"*" else name == h for h in self._hosts):
            return False
        own = self._paths if len(self._paths) == len(paths) else self._paths[:1] * len(paths)
        return all(under(path, prefix) for path, prefix in zip(paths, own, strict=True))


class Exclusions:
    """Those of one route, in order."""

    __slots__ = ("_all", "_rows")

    def __init__(self, placed: Sequence[Placed] = ()) -> None:
        self._rows = tuple(map(_Row, placed))
        self._all = tuple(one.exclusion for one in placed) if all(r.everywhere for r in self._rows) else None

    def of(self, host: bytes, target: bytes) -> tuple[Exclusion, ...]:
        """Those that apply to a request; `host` as in the head, lower case."""
        if self._all is not None:
            return self._all
        name, paths = host_name(host), readings(target.partition(b"?")[0])
        return tuple(row.exclusion for row in self._rows if row.everywhere or row.fits(name, paths))
