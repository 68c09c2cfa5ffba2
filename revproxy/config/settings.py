"""The configuration as the program sees it: frozen dataclasses, complete, checked, paths absolute.

`config.loading` makes them from `revproxy.yaml`; tests and the demo make them directly. Nothing here reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from revproxy.model import Limits, Timeouts


class Mode(StrEnum):
    """What a verdict does on a route or mail domain."""

    ENFORCE = "enforce"
    DETECT = "detect"
    """Inspect and record, but let it pass."""
    OFF = "off"


class Profile(StrEnum):
    """How much it takes on a route for a request to be refused."""

    BALANCED = "balanced"
    """The thresholds of `inspection`."""
    STRICT = "strict"
    """A single warning (3 points) is enough."""
    WATCH = "watch"
    """Nothing is refused, all is recorded."""


class ListenerKind(StrEnum):
    """Which straight line serves a listener."""

    HTTP = "http"
    SMTP = "smtp"


class ClientAddress(StrEnum):
    """How an internal mail server is told the client's address."""

    NONE = "none"
    XCLIENT = "xclient"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to bind or to connect. `host` is a name or an address; IPv6 without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate chain and its key, PEM files. `names` are the server names it answers to; none: those in it."""

    certificate: str
    key: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """TLS of a listener; the first certificate answers clients that send no known name."""

    certificates: tuple[Certificate, ...]
    minimum: str = "1.2"
    starttls: bool = True
    """SMTP only: offer STARTTLS. False means TLS from the first byte."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that the outside can reach."""

    name: str
    kind: ListenerKind
    bind: Address
    tls: ListenerTls | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """TLS towards the inside. Always verified: `ca` is a PEM file (none: the system's), `name` the server name."""

    ca: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """An internal server."""

    name: str
    address: Address
    tls: UpstreamTls | None = None
    connections: int = 256
    """At most so many at a time from each worker."""
    client_address: ClientAddress = ClientAddress.NONE
    """Mail only."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Rules that do not run, or fields that they do not look at, because there they are no attack.

    `rules` are ids (`942100`, `942000-942999`, `sql-union-select`), `tags` whole tags or `/pattern/`s; without both
    all rules are meant. `fields` are those that these rules do not look at (`args:q`, `cookies:/^s/`); without any
    the rules do not run. `hosts` and `path` say where, as those of a route do; they are for HTTP.
    """

    rules: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    path: str = "/"
    reason: str = ""
    """For whoever reads the configuration."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which requests go where. The longest matching `path` prefix (whole segments) of a matching host wins.

    `hosts` holds names in lower case, `*.example.org`, or `*` for any.
    """

    name: str
    upstream: str
    hosts: tuple[str, ...] = ("*",)
    path: str = "/"
    mode: Mode = Mode.ENFORCE
    profile: Profile = Profile.BALANCED
    stream: bool = False
    """Judge the body as it flows instead of before it goes on."""
    body_bytes: int | None = None
    """Instead of `limits.http.body_bytes`."""
    timeouts: Timeouts | None = None
    """Instead of `limits.timeouts`, whole."""
    methods: tuple[str, ...] = ()
    """Allowed methods; none: every method that is a token, except CONNECT and TRACE."""
    keep_host: bool = True
    """Send the client's Host inside; otherwise the upstream's address."""
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class MailDomain:
    """A domain whose mail is taken, and the internal server that takes it."""

    domain: str
    upstream: str
    mode: Mode = Mode.ENFORCE
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail front."""

    hostname: str = "localhost"
    """Our name in the greeting and in Received."""
    domains: tuple[MailDomain, ...] = ()


FEED = "feed:"
"""What stands before the name of a feed whose set is meant."""


@dataclass(frozen=True, slots=True)
class Staging:
    """How long a set that arrives runs in shadow on live traffic, and when it comes into force by itself then."""

    enabled: bool = True
    """Off: it comes into force as soon as it has stood its trial."""
    least: float = 1800.0
    """Seconds that it runs in shadow at least ..."""
    transactions: int = 1000
    """... and how many it judges at least ..."""
    most: float = 86_400.0
    """... but where so many do not come, it is decided after so many seconds."""
    new_denials: int = 5
    """Transactions that the set in force lets pass and the new one would deny: it may be so many ..."""
    new_denials_share: float = 0.001
    """... or this share of those that were judged; more than both, and it is held."""
    sample: float = 1.0
    """Share of the transactions that are judged by both."""
    load: float = 0.1
    """Share of a worker's time that this may take; what is over is not judged."""


@dataclass(frozen=True, slots=True)
class Feeds:
    """Signatures that arrive while it runs. Feeds are added by `revproxy signatures add`."""

    folder: str = "/var/lib/revproxy/feeds"
    """Where they are kept, with all that was accepted from them."""
    every: float = 0.0
    """Seconds between two looks for newer sets; 0: only when somebody asks."""
    jitter: float = 600.0
    """Up to so many seconds more, so that not all front ends ask at once."""
    staging: Staging = field(default_factory=Staging)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is inspected with, and when it refuses."""

    signatures: tuple[str, ...] = ()
    """Files or folders of YAML signatures; `feed:NAME` is the set in force of a feed."""
    signatures_for: tuple[str, ...] = ("http", "mail")
    """What they are used for: with rules of another kind for HTTP, they may be for mail only."""
    rules: tuple[str, ...] = ()
    """Files or folders of SecLang rules, in order; a folder of OWASP CRS as it is released is one of them, and so is
    `feed:NAME`."""
    paranoia: int = 0
    """Their paranoia level, 1 to 4; 0: what they say themselves."""
    crs_tuned: bool = False
    """Leave out those of OWASP CRS that are about policy, not about attacks (`app.tuning`)."""
    inbound_threshold: int = 5
    outbound_threshold: int = 4
    disabled: tuple[str, ...] = ()
    """Ids of signatures that are left out."""
    exclusions: tuple[Exclusion, ...] = ()
    """For all routes and mail domains."""
    memory_bytes: int = 16 * 1024 * 1024
    """What each worker may remember of scans."""
    on_failure: str = "defer"
    """`defer` or `deny`: what is done when no decision could be made."""


@dataclass(frozen=True, slots=True)
class Log:
    """Where a kind of record goes: `file:PATH`, `stdout`, `syslog:HOST:PORT`, `syslog:/dev/log` or `none`."""

    to: str = "stdout"
    queue_records: int = 10_000
    """Records that may wait; more are dropped and counted."""

    @property
    def server(self) -> Address | None:
        """The syslog server that records go to over the network."""
        word, _, rest = self.to.partition(":")
        host, _, port = rest.rpartition(":")
        if word != "syslog" or rest.startswith("/"):
            return None
        return Address(host.removeprefix("[").removesuffix("]"), int(port))


LOG_KINDS = ("access", "audit", "error")


@dataclass(frozen=True, slots=True)
class Logs:
    """The kinds of records, and the program's own messages on stderr."""

    access: Log = field(default_factory=Log)
    audit: Log = field(default_factory=Log)
    error: Log = field(default_factory=lambda: Log("none"))
    """Findings as ModSecurity writes them into a web server's error log."""
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Control:
    """The supervisor's socket. `owner` is a user name or uid; none: who runs us."""

    path: str = "/run/revproxy/control.sock"
    owner: str | None = None
    mode: int = 0o600


class Zone(StrEnum):
    """Where an address lives, seen from the DMZ."""

    EXTERNAL = "external"
    DMZ = "dmz"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Administration:
    """Who may reach machines of the DMZ for more than their service: networks of the inside or of the DMZ."""

    networks: tuple[str, ...] = ()
    ports: tuple[int, ...] = (22,)
    """TCP ports of this machine, of the firewalls and of others in the DMZ; the admin listener's is added."""


@dataclass(frozen=True, slots=True)
class Services:
    """What this machine may connect to besides upstreams, by role."""

    dns: tuple[Address, ...] = ()
    clamd: tuple[Address, ...] = ()
    redis: tuple[Address, ...] = ()
    feed: tuple[Address, ...] = ()
    """Where signatures come from."""
    ntp: tuple[Address, ...] = ()
    packages: tuple[Address, ...] = ()
    """Where the system's updates come from."""


@dataclass(frozen=True, slots=True)
class Zones:
    """The networks around the front end. The longest prefix decides to which zone an address belongs."""

    dmz: tuple[str, ...]
    internal: tuple[str, ...]
    external: tuple[str, ...] = ()
    """None: all that belongs to no other zone."""
    host: tuple[str, ...] = ()
    """Addresses of this machine, on all its legs; none: those that listeners are bound to."""
    administration: Administration = field(default_factory=Administration)
    services: Services = field(default_factory=Services)
    connections_per_second: int = 100
    """New connections of one client address (IPv6: one /64); firewalls drop more."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it."""

    listeners: tuple[Listener, ...]
    upstreams: tuple[Upstream, ...]
    routes: tuple[Route, ...] = ()
    mail: Mail = field(default_factory=Mail)
    inspection: Inspection = field(default_factory=Inspection)
    feeds: Feeds = field(default_factory=Feeds)
    limits: Limits = field(default_factory=Limits)
    logs: Logs = field(default_factory=Logs)
    control: Control = field(default_factory=Control)
    admin: Address | None = field(default_factory=lambda: Address("127.0.0.1", 9180))
    zones: Zones | None = None
    """None: nothing is held to networks."""
    workers: int = 1
    spool: str = "/var/spool/revproxy"
    cache: str = "/var/cache/revproxy"
    drain_seconds: float = 60.0
    """How long an old generation may take to finish what it has begun."""
    orphan_seconds: float = 3600.0
    """How long workers serve on whose supervisor was killed, until another one begins."""
    sandbox: bool = True
    """Whether workers and broker are locked in before they meet anything from outside."""
    require_sandbox: bool = False
    """Whether they must not run where this machine lacks a part of it."""
    user: str | None = None
    """Whom workers become where we are root; none: `revproxy`, or else `nobody`."""
    broker_user: str | None = None
    """Likewise the broker; none: the workers' user."""

    def upstream(self, name: str) -> Upstream:
        """The upstream of that name; KeyError cannot happen after `config.loading`."""
        return {u.name: u for u in self.upstreams}[name]
