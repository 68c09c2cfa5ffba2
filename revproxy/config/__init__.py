"""The operator's YAML and the frozen settings that it becomes.

What reads YAML is loaded when it is asked for: workers and the broker get settings that were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from revproxy.config.settings import (
    Address,
    Administration,
    Certificate,
    ClientAddress,
    Control,
    Exclusion,
    Feeds,
    Inspection,
    Listener,
    ListenerKind,
    ListenerTls,
    Log,
    Logs,
    Mail,
    MailDomain,
    Mode,
    Profile,
    Route,
    Services,
    Settings,
    Staging,
    Upstream,
    UpstreamTls,
    Zone,
    Zones,
)
from revproxy.lazily import loader

if TYPE_CHECKING:
    from revproxy.config.checks import Notice
    from revproxy.config.loading import Blame, Loaded, load, nowhere, template
    from revproxy.config.zones import disjoint, own_addresses, zone_of

__all__ = [
    "Address",
    "Administration",
    "Blame",
    "Certificate",
    "ClientAddress",
    "Control",
    "Exclusion",
    "Feeds",
    "Inspection",
    "Listener",
    "ListenerKind",
    "ListenerTls",
    "Loaded",
    "Log",
    "Logs",
    "Mail",
    "MailDomain",
    "Mode",
    "Notice",
    "Profile",
    "Route",
    "Services",
    "Settings",
    "Staging",
    "Upstream",
    "UpstreamTls",
    "Zone",
    "Zones",
    "disjoint",
    "load",
    "nowhere",
    "own_addresses",
    "template",
    "zone_of",
]

__getattr__ = loader(
    __name__,
    {
        "checks": ("Notice",),
        "loading": ("Blame", "Loaded", "load", "nowhere", "template"),
        "zones": ("disjoint", "own_addresses", "zone_of"),
    },
)
