"""Which route takes a request: host first, then the longest path prefix of whole segments.

A path that reads differently once it is decoded and normalised (`//`, `..`, `;`, `%2f`, backslashes) is looked up
both ways; when the two readings lead to different routes it is nobody's, because an internal server may read it
either way (facts: CVE-2025-29914 and its like).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from revproxy.codecs.percent import decode_percent
from revproxy.config import Mode, Route
from revproxy.inspection import Policy
from revproxy.model import Limits, Timeouts
from revproxy.net import Pool

_DOUBTFUL = re.compile(rb"//|/\.|[;\\%]").search
"""A cheap look for anything that normalisation might change: dots, slashes, parameters, whatever is encoded."""
_MOST_HOSTS = 4096


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


class Router:
    """Routes by host and path. Built once; hosts that were looked up are remembered, boundedly."""

    def __init__(self, ways: Sequence[tuple[Route, RouteWay]]) -> None:
        self._exact: dict[bytes, list[tuple[bytes, RouteWay]]] = {}
        self._wild: list[tuple[bytes, list[tuple[bytes, RouteWay]]]] = []
        self._any: list[tuple[bytes, RouteWay]] = []
        for route, way in ways:
            for host in route.hosts:
                self._table(host.encode("ascii").lower()).append((route.path.encode("utf-8"), way))
        self._wild.sort(key=lambda entry: -len(entry[0]))
        self._seen: dict[bytes, list[tuple[bytes, RouteWay]]] = {}

    def _table(self, host: bytes) -> list[tuple[bytes, RouteWay]]:
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

    def find(self, host: bytes, target: bytes) -> RouteWay | None:
        """The way of a request; `host` as in the head, lower case. None: no route, or an ambiguous path."""
        table = self._seen.get(host)
        if table is None:
            table = self._tables_of(host)
        if len(table) == 1 and table[0][0] == b"/":
            return table[0][1]
        path = target.partition(b"?")[0]
        way = _longest(table, path)
        if _DOUBTFUL(path) and _longest(table, normalised(path)) is not way:
            return None
        return way

    def _tables_of(self, host: bytes) -> list[tuple[bytes, RouteWay]]:
        name = host_name(host)
        found = list(self._exact.get(name, ()))
        if not found:
            found = next((list(table) for suffix, table in self._wild if name.endswith(suffix)), [])
        # A host's own routes come before those for any host, of which the longest prefix may still win.
        found = sorted([*found, *self._any], key=lambda entry: -len(entry[0]))
        if len(self._seen) < _MOST_HOSTS:
            self._seen[host] = found
        return found


def host_name(host: bytes) -> bytes:
    """Host without its port and without the final dot of a fully qualified name."""
    if host.startswith(b"["):
        return host[: host.find(b"]") + 1]
    name = host.partition(b":")[0]
    return name[:-1] if name.endswith(b".") else name


def _longest(table: Sequence[tuple[bytes, RouteWay]], path: bytes) -> RouteWay | None:
    for prefix, way in table:
        if prefix == b"/" or path == prefix or path.startswith(prefix if prefix.endswith(b"/") else prefix + b"/"):
            return way
    return None


def normalised(path: bytes) -> bytes:
    """The path as the most liberal internal server would read it: decoded, without parameters, dots resolved."""
    plain = decode_percent(decode_percent(path)).replace(b"\\", b"/").partition(b"\0")[0]
    segments: list[bytes] = []
    for segment in plain.split(b"/"):
        name = segment.partition(b";")[0]
        if name == b"..":
            del segments[-1:]
        elif name not in (b"", b"."):
            segments.append(name)
    return b"/" + b"/".join(segments)


def policy_of(mode: Mode, inbound: int, outbound: int) -> Policy:
    """A route's or mail domain's mode as a policy."""
    return Policy(inbound, outbound, inspects=mode is not Mode.OFF, enforces=mode is Mode.ENFORCE)


def way_of(
    route: Route, pool: Pool, limits: Limits, origin: bytes, host: bytes, inbound: int, outbound: int
) -> RouteWay:
    """Everything that can be worked out before the first request."""
    return RouteWay(
        name=route.name,
        pool=pool,
        policy=policy_of(route.mode, inbound, outbound),
        body_bytes=route.body_bytes if route.body_bytes is not None else limits.http.body_bytes,
        timeouts=route.timeouts or limits.timeouts,
        stream=route.stream,
        methods=frozenset(method.encode("ascii") for method in route.methods),
        host=b"" if route.keep_host else host,
        origin=origin,
    )
