"""The operator's YAML and the frozen settings that it becomes."""

from revproxy.config.checks import Notice
from revproxy.config.load import Blame, Loaded, load, nowhere, template
from revproxy.config.settings import (
    Address,
    Certificate,
    ClientAddress,
    Control,
    Inspection,
    Listener,
    ListenerKind,
    ListenerTls,
    Log,
    Logs,
    Mail,
    MailDomain,
    Mode,
    Route,
    Settings,
    Upstream,
    UpstreamTls,
)

__all__ = [
    "Address",
    "Blame",
    "Certificate",
    "ClientAddress",
    "Control",
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
    "Route",
    "Settings",
    "Upstream",
    "UpstreamTls",
    "load",
    "nowhere",
    "template",
]
