"""How each setting is read and how far it may go: the tables behind `reader`.

A row is needed only where a field's type does not say it all: `int` fields that end in `_bytes` are sizes, `float`
fields durations, enums words, nested dataclasses mappings. `tests/config/test_schema.py` shows that every field of
`settings` can be read. Nothing here looks at a node.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from revproxy.config import settings as s
from revproxy.config import values
from revproxy.model import Caps, ContentLimits, HttpLimits, Limits, SmtpLimits, SupplyLimits, Timeouts

Read = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class PathTo:
    """A field that names something on disk; relative to the file that names it. `or_feed`: or the set of a feed."""

    what: str
    must_exist: bool = False
    or_feed: bool = False


def one_of(*words: str) -> Read:
    """A reader of fixed words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return text

    return read


READERS: dict[tuple[type, str], Read | PathTo] = {
    (s.Administration, "networks"): values.network,
    (s.Administration, "ports"): values.port,
    (s.Certificate, "certificate"): PathTo("certificate", must_exist=True),
    (s.Certificate, "key"): PathTo("key", must_exist=True),
    (s.Certificate, "names"): values.route_host,
    (s.Control, "mode"): values.file_mode,
    (s.Control, "path"): PathTo("socket"),
    (s.Exclusion, "hosts"): values.route_host,
    (s.Exclusion, "path"): values.route_path,
    (s.Inspection, "on_failure"): one_of("defer", "deny"),
    (s.Feeds, "folder"): PathTo("folder"),
    (s.Inspection, "rules"): PathTo("rules", must_exist=True, or_feed=True),
    (s.Inspection, "signatures_for"): one_of("http", "mail"),
    (s.Inspection, "signatures"): PathTo("file or folder", must_exist=True, or_feed=True),
    (s.Listener, "bind"): values.bind_address,
    (s.Listener, "name"): values.name,
    (s.Listener, "trusted_proxies"): values.network,
    (s.ListenerTls, "minimum"): one_of("1.2", "1.3"),
    (s.Logs, "level"): one_of("debug", "info", "warning", "error"),
    (s.Mail, "hostname"): values.host_name,
    (s.MailDomain, "domain"): values.host_name,
    (s.Route, "hosts"): values.route_host,
    (s.Route, "methods"): values.method,
    (s.Route, "name"): values.name,
    (s.Route, "path"): values.route_path,
    (s.Services, "clamd"): values.target_address,
    (s.Services, "dns"): values.target_address,
    (s.Services, "feed"): values.target_address,
    (s.Services, "ntp"): values.target_address,
    (s.Services, "packages"): values.target_address,
    (s.Services, "redis"): values.target_address,
    (s.Settings, "admin"): values.bind_address,
    (s.Settings, "cache"): PathTo("folder"),
    (s.Settings, "spool"): PathTo("folder"),
    (s.Staging, "load"): values.share,
    (s.Staging, "new_denials_share"): values.share,
    (s.Staging, "sample"): values.share,
    (s.Upstream, "address"): values.target_address,
    (s.Upstream, "name"): values.name,
    (s.UpstreamTls, "ca"): PathTo("CA file", must_exist=True),
    (s.UpstreamTls, "name"): values.host_name,
    (s.Zones, "dmz"): values.network,
    (s.Zones, "external"): values.network,
    (s.Zones, "host"): values.ip_address,
    (s.Zones, "internal"): values.network,
}
"""Fields whose type does not say how they are read. For a tuple it is the reader of an item."""

_K, _M, _G = 1024, 1024**2, 1024**3

RANGES: dict[tuple[type, str], tuple[float, float]] = {
    (Caps, "connections"): (1, 1_000_000),
    (Caps, "connections_per_address"): (1, 1_000_000),
    (Caps, "memory_bytes"): (_M, 1024 * _G),
    (Caps, "retry_after"): (0, 86_400),
    (Caps, "spool_bytes"): (0, 1024 * 1024 * _G),
    (ContentLimits, "archive_depth"): (0, 16),
    (ContentLimits, "inflate_ratio"): (2, 10_000),
    (ContentLimits, "json_depth"): (1, 500),
    (ContentLimits, "mime_depth"): (1, 100),
    (ContentLimits, "window_bytes"): (4 * _K, 64 * _M),
    (ContentLimits, "window_overlap_bytes"): (0, 32 * _M),
    (ContentLimits, "xml_depth"): (1, 500),
    (HttpLimits, "body_bytes"): (0, 1024 * _G),
    (HttpLimits, "chunk_line_bytes"): (16, 64 * _K),
    (HttpLimits, "head_bytes"): (_K, _M),
    (HttpLimits, "head_fields"): (10, 10_000),
    (HttpLimits, "target_bytes"): (64, _M),
    (HttpLimits, "trailer_bytes"): (0, _M),
    (SmtpLimits, "command_bytes"): (510, 64 * _K),
    (SmtpLimits, "line_bytes"): (998, _M),
    (SmtpLimits, "message_bytes"): (64 * _K, 4 * _G),
    (SupplyLimits, "archive_bytes"): (_K, _G),
    (SupplyLimits, "file_bytes"): (_K, _G),
    (SupplyLimits, "files"): (1, 1_000_000),
    (SupplyLimits, "rate_bytes"): (1, _G),
    (SupplyLimits, "trial_cpu_seconds"): (1, 86_400),
    (SupplyLimits, "trial_memory_bytes"): (64 * _M, 1024 * _G),
    (SupplyLimits, "unpacked_bytes"): (_K, 16 * _G),
    (s.Feeds, "every"): (0, 31 * 86_400),
    (s.Feeds, "jitter"): (0, 86_400),
    (s.Inspection, "inbound_threshold"): (1, 1_000_000),
    (s.Inspection, "memory_bytes"): (0, 16 * _G),
    (s.Inspection, "outbound_threshold"): (1, 1_000_000),
    (s.Inspection, "paranoia"): (0, 4),
    (s.Log, "queue_records"): (1, 10_000_000),
    (s.Route, "body_bytes"): (0, 1024 * _G),
    (s.Settings, "drain_seconds"): (0, 86_400),
    (s.Settings, "orphan_seconds"): (0, 86_400),
    (s.Settings, "workers"): (1, 512),
    (s.Staging, "least"): (0, 31 * 86_400),
    (s.Staging, "load"): (0.001, 1),
    (s.Staging, "most"): (0.001, 366 * 86_400),
    (s.Staging, "new_denials"): (0, 1_000_000_000),
    (s.Staging, "new_denials_share"): (0, 1),
    (s.Staging, "sample"): (0.0001, 1),
    (s.Staging, "transactions"): (0, 1_000_000_000),
    (s.Upstream, "connections"): (1, 100_000),
    (s.Zones, "connections_per_second"): (1, 1_000_000),
    (Timeouts, "smtp_session"): (1, 86_400),
}
"""Least and greatest value; others are at least 1 (durations: a millisecond)."""

DEFAULT_RANGES: dict[type, tuple[float, float]] = {int: (1, 1024 * _G), float: (0.001, 86_400)}

NESTED = (Limits, HttpLimits, ContentLimits, SmtpLimits, Timeouts, Caps, SupplyLimits)
"""Dataclasses that are read field by field from a mapping of the same shape."""
