"""Hosts and paths of requests as servers read them, which need not be as they were written.

What is done with a path that reads in several ways is for the caller (`routes`, `exclusions`).
"""

from __future__ import annotations

import re

from revproxy.codecs.percent import decode_percent

doubtful = re.compile(rb"//|/\.|[;\\%]").search
"""A cheap look for anything that normalisation might change: dots, slashes, parameters, whatever is encoded."""


def host_name(host: bytes) -> bytes:
    """Host without its port and without the final dot of a fully qualified name."""
    if host.startswith(b"["):
        return host[: host.find(b"]") + 1]
    name = host.partition(b":")[0]
    return name[:-1] if name.endswith(b".") else name


def under(path: bytes, prefix: bytes) -> bool:
    """Whether the path begins with all segments of the prefix."""
    return prefix == b"/" or path == prefix or path.startswith(prefix if prefix.endswith(b"/") else prefix + b"/")


def readings(path: bytes) -> tuple[bytes, ...]:
    """The path as it arrived, then as servers may read it that decode it never, once or twice; alone where all read
    the same."""
    if not doubtful(path):
        return (path,)
    once = decode_percent(path)
    return path, _resolved(path), _resolved(once), _resolved(decode_percent(once))


def normalised(path: bytes) -> bytes:
    """The path as the most liberal internal server would read it: decoded, without parameters, dots resolved."""
    return _resolved(decode_percent(decode_percent(path)))


def _resolved(path: bytes) -> bytes:
    plain = path.replace(b"\\", b"/").partition(b"\0")[0]
    segments: list[bytes] = []
    for segment in plain.split(b"/"):
        name = segment.partition(b";")[0]
        if name == b"..":
            del segments[-1:]
        elif name not in (b"", b"."):
            segments.append(name)
    return b"/" + b"/".join(segments)
