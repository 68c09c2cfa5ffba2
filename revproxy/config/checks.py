"""What has to fit together: names, references, listeners, certificates. Each check notes errors at their place.

Runs after everything could be read. Nothing here changes a setting.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from revproxy.config.reader import KEY, Place, Reader, did_you_mean
from revproxy.config.settings import (
    FEED,
    LOG_KINDS,
    Address,
    ClientAddress,
    Exclusion,
    Listener,
    ListenerKind,
    Settings,
)
from revproxy.config.zones import not_held, wrong_places
from revproxy.errors import Location


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """Something that works but that a person may not have meant."""

    message: str
    where: Location

    def __str__(self) -> str:
        return f"{self.where}: notice: {self.message}"


class Checks:
    """All checks of one configuration."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        self._reader = reader
        self._settings = settings
        self.notices: list[Notice] = []

    def run(self) -> None:
        """Every one of them, in the order of the file's sections."""
        for check in _CHECKS:
            check(self)

    def _error(self, message: str, place: Place, hint: str = "") -> None:
        self._reader.tree.error(message, self._reader.places.get(place), hint)

    def _notice(self, message: str, place: Place) -> None:
        node = self._reader.places.get(place)
        self.notices.append(Notice(message, self._reader.tree.located("", node).where))

    def _line(self, place: Place) -> str:
        node = self._reader.places[place]
        return f"{node.start_mark.name}:{node.start_mark.line + 1}"

    def _unique(self, what: str, words: Iterable[tuple[object, Place]]) -> None:
        seen: dict[object, Place] = {}
        for word, place in words:
            if word in seen:
                self._error(f"{what} {word!s} stands twice, first in {self._line(seen[word])}", place)
            elif place in self._reader.places:
                seen[word] = place

    def names(self) -> None:
        """Listeners, routes and domains each have one name, and a route's host and path are its own."""
        s = self._settings
        self._unique("listener", ((one.name, ("listeners", i, "name")) for i, one in enumerate(s.listeners)))
        self._unique("route name", ((r.name, ("routes", i, "name")) for i, r in enumerate(s.routes)))
        pairs = ((f"{h}{r.path}", ("routes", i)) for i, r in enumerate(s.routes) for h in dict.fromkeys(r.hosts))
        self._unique("the route for", pairs)

    def binds(self) -> None:
        """No two listeners want the same port of the same address."""
        taken: list[tuple[Address, Place]] = []
        wanted: list[tuple[Address, Place]] = [
            (one.bind, ("listeners", i, "bind")) for i, one in enumerate(self._settings.listeners)
        ]
        if self._settings.admin is not None:
            wanted.append((self._settings.admin, ("admin",)))
        for bind, place in wanted:
            other = next((t for t in taken if _collide(t[0], bind)), None)
            if other and place in self._reader.places:
                self._error(f"{bind} is taken by {other[0]} in {self._line(other[1])}", place)
            elif other:
                self._error(f"{other[0]} is also the default of the admin listener", other[1], "set admin: too")
            taken.append((bind, place))

    def references(self) -> None:
        """Routes and domains name upstreams that exist, each for one protocol."""
        known = [u.name for u in self._settings.upstreams]
        web = {r.upstream: ("routes", i, "upstream") for i, r in reversed(list(enumerate(self._settings.routes)))}
        mail: dict[str, Place] = {}
        for i, route in enumerate(self._settings.routes):
            self._known(route.upstream, known, ("routes", i, "upstream"))
        for key, domain in self._domain_keys():
            place = ("mail", "domains", key, "upstream")
            self._known(domain, known, place)
            mail.setdefault(domain, place)
            if domain in web:
                text = f"upstream {domain!r} is a web server for the route in {self._line(web[domain])}"
                self._error(f"{text}: mail needs one of its own", place)
        for upstream in self._settings.upstreams:
            here = ("upstreams", upstream.name)
            if upstream.name not in web and upstream.name not in mail:
                self._notice(f"upstream {upstream.name!r} is not used", (*here, KEY))
            if upstream.client_address is not ClientAddress.NONE and upstream.name in web:
                self._error("client_address is for mail servers", (*here, "client_address"))

    def _domain_keys(self) -> list[tuple[str, str]]:
        """Domains as written, and their upstreams."""
        places = self._reader.places
        keys = [p[2] for p in places if len(p) == 4 and p[:2] == ("mail", "domains") and p[3] == KEY]
        return [(str(k), d.upstream) for k, d in zip(keys, self._settings.mail.domains, strict=True)]

    def _known(self, name: str, known: list[str], place: Place) -> None:
        if name not in known:
            self._error(f"there is no upstream {name!r}", place, did_you_mean(name, known))

    def domains(self) -> None:
        """A domain stands once, however it is spelled."""
        pairs = zip(self._domain_keys(), self._settings.mail.domains, strict=True)
        self._unique("domain", ((d.domain, ("mail", "domains", key, KEY)) for (key, _), d in pairs))

    def exclusions(self) -> None:
        """An exclusion names something, and says nothing of where that cannot come to pass."""
        for place, one in self._exclusions():
            if not (one.rules or one.tags or one.fields):
                self._error("this leaves out nothing", place, "name rules, tags or fields")
            if place[0] != "inspection" and (*place, "hosts") in self._reader.places:
                self._error("hosts are for the exclusions of inspection", (*place, "hosts"))
            if place[0] == "mail" and (*place, "path") in self._reader.places:
                self._error("mail has no path", (*place, "path"))
            if place[0] == "routes" and isinstance(place[1], int):
                path = self._settings.routes[place[1]].path
                if one.path != "/" and one.path != path and not one.path.startswith(path.removesuffix("/") + "/"):
                    self._error(f"{one.path} is not below {path}, the path of this route", (*place, "path"))

    def _exclusions(self) -> Iterator[tuple[Place, Exclusion]]:
        """All of them with their places."""
        s = self._settings
        for i, route in enumerate(s.routes):
            yield from ((("routes", i, "exclusions", j), one) for j, one in enumerate(route.exclusions))
        for (key, _), domain in zip(self._domain_keys(), s.mail.domains, strict=True):
            here: Place = ("mail", "domains", key, "exclusions")
            yield from (((*here, j), one) for j, one in enumerate(domain.exclusions))
        yield from ((("inspection", "exclusions", j), one) for j, one in enumerate(s.inspection.exclusions))

    def listeners(self) -> None:
        """A listener's settings belong to its protocol; what it serves is declared."""
        kinds = {one.kind for one in self._settings.listeners}
        for i, one in enumerate(self._settings.listeners):
            self._listener(one, ("listeners", i))
        if ListenerKind.HTTP in kinds and not self._settings.routes:
            self._notice("no routes: every request is answered 404", ("listeners",))
        if ListenerKind.SMTP in kinds and not self._settings.mail.domains:
            self._notice("no mail domains: every recipient is refused", ("listeners",))
        if ListenerKind.HTTP not in kinds and self._settings.routes:
            self._notice("routes, but no http listener", ("routes",))
        if ListenerKind.SMTP not in kinds and self._settings.mail.domains:
            self._notice("mail domains, but no smtp listener", ("mail",))
        if ListenerKind.SMTP in kinds and self._settings.mail.hostname == "localhost":
            self._notice("mail.hostname is not set: we greet as localhost", ("mail",))

    def _listener(self, one: Listener, place: Place) -> None:
        if one.kind is ListenerKind.SMTP and one.trusted_proxies:
            self._error("trusted_proxies is for http listeners", (*place, "trusted_proxies"))
        if one.kind is ListenerKind.HTTP and (*place, "tls", "starttls") in self._reader.places:
            self._error("starttls is for smtp listeners", (*place, "tls", "starttls"))
        if one.tls is not None and not one.tls.certificates:
            self._error("tls needs a certificate", (*place, "tls"), "certificates: [{certificate: FILE, key: FILE}]")

    def certificates(self) -> None:
        """Certificates fit their keys; CA files hold certificates."""
        if not any(one.tls for one in self._settings.listeners) and not any(u.tls for u in self._settings.upstreams):
            return
        # Imported here: a library of 10 MB, for those who have certificates.
        from revproxy.config.certificates import examine, examine_ca

        for i, one in enumerate(self._settings.listeners):
            for j, pair in enumerate(one.tls.certificates if one.tls else ()):
                place = ("listeners", i, "tls", "certificates", j)
                report = examine(pair.certificate, pair.key)
                if report.certificate:
                    self._error(report.certificate, (*place, "certificate"))
                if report.key:
                    self._error(report.key, (*place, "key"))
                if report.notice:
                    self._notice(report.notice, (*place, "certificate"))
        for upstream in self._settings.upstreams:
            if upstream.tls and upstream.tls.ca and (wrong := examine_ca(upstream.tls.ca)):
                self._error(wrong, ("upstreams", upstream.name, "tls", "ca"))

    def loops(self) -> None:
        """An internal server is not one of our own listeners."""
        ours = {one.bind: one.name for one in self._settings.listeners}
        for upstream in self._settings.upstreams:
            if upstream.address in ours:
                where: Place = ("upstreams", upstream.name, "address")
                place = where if where in self._reader.places else ("upstreams", upstream.name)
                self._error(f"{upstream.address} is our own listener {ours[upstream.address]!r}", place)

    def zones(self) -> None:
        """Listeners face the outside, upstreams are inside."""
        for message, place, hint in wrong_places(self._settings):
            self._reader.tree.error(message, self._reader.nearest(place), hint)
        for message, place in not_held(self._settings):
            self._notice(message, place if place in self._reader.places else place[:-1])

    def limits(self) -> None:
        """Limits that bound one another."""
        limits = self._settings.limits
        pairs = (
            (limits.content.window_overlap_bytes * 2, "content.window_overlap_bytes", limits.content.window_bytes,
             "half of content.window_bytes"),
            (limits.http.target_bytes, "http.target_bytes", limits.http.head_bytes, "http.head_bytes"),
            (limits.http.body_memory_bytes, "http.body_memory_bytes", limits.caps.memory_bytes, "caps.memory_bytes"),
            (limits.smtp.message_memory_bytes, "smtp.message_memory_bytes", limits.caps.memory_bytes,
             "caps.memory_bytes"),
            (limits.caps.connections_per_address, "caps.connections_per_address", limits.caps.connections,
             "caps.connections"),
        )  # fmt: skip
        for value, name, most, bound in pairs:
            if value > most:
                named = ("limits", *name.split("."))
                other = ("limits", *bound.removeprefix("half of ").split("."))
                self._error(f"{name} is over {bound}", named if named in self._reader.places else other)
        timeouts = limits.timeouts
        if timeouts.request_body_idle > timeouts.request_body_total:
            self._notice("request_body_idle is over request_body_total", ("limits", "timeouts"))

    def sandbox(self) -> None:
        """What is required is not turned off."""
        if self._settings.require_sandbox and not self._settings.sandbox:
            self._error("the sandbox is required, and it is off", ("require_sandbox",), "leave one of the two out")

    def logs(self) -> None:
        """A local syslog that is not there may come later: records are dropped and counted until then."""
        for kind in LOG_KINDS:
            path = getattr(self._settings.logs, kind).to.partition("syslog:")[2]
            if path.startswith("/") and not Path(path).exists():
                self._notice(f"there is no {path}: records are lost until there is", ("logs", kind))

    def folders(self) -> None:
        """Folders are folders, or can be made."""
        for key in ("spool", "cache"):
            path = Path(getattr(self._settings, key))
            if path.exists() and not path.is_dir():
                self._error(f"{path} is no folder", (key,))
            elif not path.exists():
                self._notice(f"{path} does not exist yet: it is made at the start", (key,))
        for i, folder in enumerate(self._settings.inspection.signatures):
            if not folder.startswith(FEED) and not Path(folder).exists():
                self._error(f"there are no signatures at {folder}", ("inspection", "signatures", i))


def _collide(a: Address, b: Address) -> bool:
    if a.port != b.port or a.port == 0:
        return False
    if a.host == b.host:
        return True
    same_family = (":" in a.host) == (":" in b.host)
    return same_family and bool({"0.0.0.0", "::"} & {a.host, b.host})


_CHECKS: tuple[Callable[[Checks], None], ...] = (
    Checks.names,
    Checks.binds,
    Checks.references,
    Checks.domains,
    Checks.exclusions,
    Checks.listeners,
    Checks.certificates,
    Checks.loops,
    Checks.zones,
    Checks.limits,
    Checks.sandbox,
    Checks.logs,
    Checks.folders,
)
