"""Which route takes a request: host first, then the longest path prefix of whole segments.

A path that reads differently once it is decoded and normalised (`//`, `..`, `;`, `%2f`, backslashes) is looked up
both ways; when the two readings lead to different routes it is nobody's, because an internal server may read it
either way (facts: CVE-2025-29914 and its like).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from revproxy.config import Mode, Profile, Route
from revproxy.inspection import Policy
from revproxy.model import Limits, Timeouts
from revproxy.net import Pool
from revproxy.proxy.http.exclusions import Exclusions, Placed
from revproxy.proxy.http.paths import doubtful, host_name, normalised, under

_MOST_HOSTS: Final = 4096
Way = TypeVar("Way")
"""What a route leads to: a `RouteWay`, or whatever somebody wants to know of it."""
_Table = list[tuple[bytes, Way]]


@dataclass(frozen=True, slots=True)
class RouteWay:
    """A route with what serves it, built once at start."""

    name: str
    pool: Pool
    policy: Policy
    body_bytes: int
    timeouts: Timeouts
    stream: bool
    methods: frozenset[bytes]
    host: bytes
    """The Host that the inside gets; empty: the client's own."""
    origin: bytes
    """`scheme://host:port` of the upstream, to be replaced in Location."""
    exclusions: Exclusions | None = None


class Router(Generic[Way]):
    """Routes by host and path. Built once; hosts that were looked up are remembered, boundedly."""

    def __init__(self, ways: Sequence[tuple[Route, Way]]) -> None:
        self._exact: dict[bytes, _Table[Way]] = {}
        self._wild: list[tuple[bytes, _Table[Way]]] = []
        self._any: _Table[Way] = []
        for route, way in ways:
            for host in route.hosts:
                self._table(host.encode("ascii").lower()).append((route.path.encode("utf-8"), way))
        self._wild.sort(key=lambda entry: -len(entry[0]))
        self._seen: dict[bytes, _Table[Way]] = {}

    def _table(self, host: bytes) -> _Table[Way]:
        if host == b"*":
            return self._any
        if not host.startswith(b"*."):
            return self._exact.setdefault(host, [])
        suffix = host[1:]
        for known, table in self._wild:
            if known == suffix:
                return table
        table = []
        self._wild.append((suffix, table))
        return table

    def find(self, host: bytes, target: bytes) -> Way | None:
        """The way of a request; `host` as in the head, lower case. None: no route, or an ambiguous path."""
        table = self._seen.get(host)
        if table is None:
            table = self._tables_of(host)
        if len(table) == 1 and table[0][0] == b"/":
            return table[0][1]
        path = target.partition(b"?")[0]
        way = _longest(table, path)
        if doubtful(path) and _longest(table, normalised(path)) is not way:
            return None
        return way

    def _tables_of(self, host: bytes) -> _Table[Way]:
        name = host_name(host)
        found = list(self._exact.get(name, ()))
        if not found:
            found = next((list(table) for suffix, table in self._wild if name.endswith(suffix)), [])
        # A host's own routes come before those for any host, of which the longest prefix may still win.
        found = sorted([*found, *self._any], key=lambda entry: -len(entry[0]))
        if len(self._seen) < _MOST_HOSTS:
            self._seen[host] = found
        return found


def _longest(table: _Table[Way], path: bytes) -> Way | None:
    for prefix, way in table:
        if under(path, prefix):
            return way
    return None


STRICT_POINTS: Final = 3
"""What is enough on a route of the profile `strict`: a warning."""


def policy_of(mode: Mode, inbound: int, outbound: int, profile: Profile = Profile.BALANCED) -> Policy:
    """A route's mode and profile as a policy."""
    most = STRICT_POINTS if profile is Profile.STRICT else max(inbound, outbound)
    enforces = mode is Mode.ENFORCE and profile is not Profile.WATCH
    return Policy(min(inbound, most), min(outbound, most), inspects=mode is not Mode.OFF, enforces=enforces)


def way_of(
    route: Route,
    pool: Pool,
    limits: Limits,
    origin: bytes,
    host: bytes,
    inbound: int,
    outbound: int,
    excluded: Sequence[Placed] = (),
) -> RouteWay:
    """Everything that can be worked out before the first request."""
    return RouteWay(
        name=route.name,
        pool=pool,
        policy=policy_of(route.mode, inbound, outbound, route.profile),
        body_bytes=route.body_bytes if route.body_bytes is not None else limits.http.body_bytes,
        timeouts=route.timeouts or limits.timeouts,
        stream=route.stream,
        methods=frozenset(method.encode("ascii") for method in route.methods),
        host=b"" if route.keep_host else host,
        origin=origin,
        exclusions=Exclusions(excluded) if excluded else None,
    )
