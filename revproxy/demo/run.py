"""The demo: internal servers, the front end before them, a dozen cases through it, a table, and then it stays up.

The front end is the real one, supervisor and workers, configured by the arguments instead of a file.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from revproxy.app.prepare import prepare
from revproxy.app.rulefiles import with_rules
from revproxy.app.service import BROKER, WORKER
from revproxy.config import (
    Address,
    Control,
    Inspection,
    Listener,
    ListenerKind,
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
from revproxy.config.shipped import shipped_signatures
from revproxy.demo.cases import DOMAIN
from revproxy.demo.drive import Row, hint, rows
from revproxy.demo.inside import COMMAND, Inside
from revproxy.detection.link import Told, unheard
from revproxy.errors import PeerError
from revproxy.model import Limits
from revproxy.runtime import Plan, supervise
from revproxy.runtime.asking import ask

LOCAL = "127.0.0.1"
WIDE = 155
"""Characters that all columns of the table take beside each other; on a narrower terminal it is made compact."""
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    http: Address
    smtp: Address
    web: Upstream | None
    mail: Upstream | None
    workers: int
    detect: bool
    once: bool
    rules: tuple[str, ...] = ()
    paranoia: int | None = None


def settings_of(options: Options, web: Upstream, mail: Upstream, folder: Path) -> Settings:
    """The configuration of the demo; everything that it writes is in `folder`."""
    mode = Mode.DETECT if options.detect else Mode.ENFORCE
    settings = Settings(
        listeners=(
            Listener("web", ListenerKind.HTTP, options.http),
            Listener("mail", ListenerKind.SMTP, options.smtp),
        ),
        upstreams=(web, mail),
        routes=(Route("demo", web.name, mode=mode),),
        mail=Mail("demo.example", (MailDomain(DOMAIN, mail.name, mode),)),
        inspection=Inspection(signatures=(str(shipped_signatures()),)),
        limits=Limits(),
        logs=Logs(Log(f"file:{folder / 'access.log'}"), Log(f"file:{folder / 'audit.log'}"), level="warning"),
        control=Control(str(folder / "control.sock")),
        admin=Address(LOCAL, 0),
        workers=options.workers,
        spool=str(folder / "spool"),
        cache=str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "revproxy"),
        drain_seconds=5.0,
    )
    return with_rules(settings, options.rules, options.paranoia)


def url_upstream(url: str) -> Upstream:
    """An internal web server given as a URL. Raises ValueError."""
    scheme, _, rest = url.partition("://")
    place = rest.rstrip("/")
    if scheme not in ("http", "https") or not place or "/" in place:
        raise ValueError(f"not a URL of a server: {url}")
    address = address_of(place if ":" in place.rpartition("]")[2] else f"{place}:{443 if scheme == 'https' else 80}")
    return Upstream("web", address, UpstreamTls() if scheme == "https" else None)


def address_of(text: str) -> Address:
    """`HOST:PORT`, IPv6 in brackets. Raises ValueError."""
    place, _, port = text.rpartition(":")
    host = place[1:-1] if place.startswith("[") and place.endswith("]") else place
    if not host or set(host) & set("[]") or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"not HOST:PORT: {text}")
    return Address(host, int(port))


def run(options: Options, console: Console, told: Told = unheard) -> int:
    """Run the demo; the exit code. Ends on Ctrl-C, or with `once` after the table. Raises InsideError. `told` hears
    how far compiling is."""
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="revproxy-demo-") as folder:
        started: list[Inside] = []
        try:
            web, mail = _inside(options, started)
            demo = _Demo(options, console, Path(folder), started)
            return demo.run(settings_of(options, web, mail, Path(folder)), told)
        finally:
            for inside in started:
                inside.stop()
    return 0


def _inside(options: Options, started: list[Inside]) -> tuple[Upstream, Upstream]:
    """The internal servers that the person has, and ours for those that they do not have."""
    mail, tell = options.mail, ""
    if mail is None:
        started.append(Inside.start("mail", f"{LOCAL}:0"))
        mail = Upstream("mail", Address(LOCAL, started[-1].ports["mail"]))
        tell = f"http://{LOCAL}:{started[-1].ports['tell']}/"
    web = options.web
    if web is None:
        started.append(Inside.start("web", f"{LOCAL}:0", *(["--mailbox", tell] if tell else [])))
        web = Upstream("web", Address(LOCAL, started[-1].ports["web"]))
    return web, mail


class _Demo:
    """The run of a demo: the supervisor in this thread, the cases in another."""

    def __init__(self, options: Options, console: Console, folder: Path, inside: list[Inside]) -> None:
        self._options = options
        self._console = console
        self._folder = folder
        self._inside = inside
        self._control = ""
        self._ready = threading.Event()
        self._failed = False

    def run(self, settings: Settings, told: Told = unheard) -> int:
        def ready(line: str) -> None:
            self._console.print(line, highlight=False, soft_wrap=True)
            self._ready.set()

        self._control = settings.control.path
        driver = threading.Thread(target=self._drive, args=(settings,), daemon=True)
        driver.start()
        plan = Plan(lambda: prepare(settings, told=told), WORKER, file="demo", broker=BROKER, announce=ready)
        code = supervise(plan)
        return code or int(self._failed)

    def _drive(self, settings: Settings) -> None:
        self._ready.wait()
        try:
            self._show(settings)
        except Exception as error:  # noqa: BLE001 - a person looks at this: whatever it was, say it and fail
            if self._stopping():
                return
            self._failed = True
            self._console.print(f"the demo could not be driven: {type(error).__name__}: {error}", style="red")
            self._stop()
        if self._options.once:
            self._stop()

    def _stopping(self) -> bool:
        """Whether the front end is told to stop: that cases fail then is no failure."""
        try:
            return bool(ask(self._control, "status", _ANSWER_SECONDS)["result"]["state"] != "running")
        except PeerError:
            return True

    def _stop(self) -> None:
        """Not by a signal: a second one, after Ctrl-C, would cut everything off."""
        with suppress(PeerError):
            ask(self._control, "drain", _ANSWER_SECONDS)

    def _show(self, settings: Settings) -> None:
        web, mail = (listener.bind for listener in settings.listeners)
        got = list(rows(web, mail, self._folder / "access.log", self._options.detect))
        self._console.print(table(got, self._console.width))
        wrong = [row for row in got if not row.expected]
        ours = self._options.web is None and self._options.mail is None
        self._failed = bool(wrong) and ours
        self._console.print(f"{len(got) - len(wrong)} of {len(got)} as expected", highlight=False)
        if not self._options.once:
            self._invite(web, mail)

    def _invite(self, web: Address, mail: Address) -> None:
        say = partial(self._console.print, highlight=False, soft_wrap=True)
        say("\nStays up until Ctrl-C. Try:")
        for line in hint(web, mail):
            say(f"  {line}")
        for inside in self._inside:
            if "mail" in inside.ports:
                again = shlex.join(
                    [*COMMAND, "mail", f"{LOCAL}:{inside.ports['mail']}", "--tell", str(inside.ports["tell"])]
                )
                say(f"  kill {inside.process.pid}   (stops the internal mail server; again: {again})")
        say(f"Records: {self._folder}/access.log and audit.log")


def table(got: list[Row], width: int = WIDE) -> Table:
    """What was sent, and what became of it. Where `width` characters are too few for all, one signature a row."""
    if width < WIDE:
        return _compact(got)
    shown = Table(title="through the front end", show_lines=False)
    for heading in ("", "sent", "answer", "verdict", "signature", "reached the inside"):
        shown.add_column(heading, overflow="fold")
    for row in got:
        rules = _first(row.rules, 2)
        shown.add_row(row.protocol, row.title, row.answer, row.verdict, rules, row.reached, style=_style(row))
    return shown


def _compact(got: list[Row]) -> Table:
    shown = Table(title="through the front end", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "sent", "verdict", "signature", "reached the inside"):
        shown.add_column(heading, overflow="fold", no_wrap=heading in ("", "verdict", "signature"))
    for row in got:
        verdict = f"{row.answer} {row.verdict}"
        shown.add_row(row.protocol, row.title, verdict, _first(row.rules, 1), row.reached, style=_style(row))
    return shown


def _first(rules: tuple[str, ...], most: int) -> str:
    more = f" +{len(rules) - most}" if len(rules) > most else ""
    return ", ".join(rules[:most]) + more


def _style(row: Row) -> str:
    return "" if row.expected else "bold red"
