"""Everything that can fail, before anything is bound: signatures read and linked; certificates, addresses, logs, the
control socket's place and folders tried.

What comes out is pickled to the workers, which then depend on no file that may change in between.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from revproxy.app.exclusions import Excluded, meant, read_exclusions
from revproxy.app.seclang import NO_SECLANG, SecLang, folded, lowered
from revproxy.app.store import FolderStore
from revproxy.config import Address, Blame, Settings, nowhere
from revproxy.config.reader import Place
from revproxy.detection.link import RuleSet, link
from revproxy.detection.rules import Rule
from revproxy.detection.seclang import Notice
from revproxy.detection.sigyaml import load_all, lower
from revproxy.errors import ConfigError, LocatedError, Location, ManyErrors, together
from revproxy.inspection.sources import read_signature_files
from revproxy.model import Protocol
from revproxy.net import DirectDialer, server_context
from revproxy.runtime import control
from revproxy.runtime.sockets import unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker is built from (`runtime.Prepared`)."""

    settings: Settings
    rules: RuleSet
    excluded: Excluded
    notices: tuple[Notice, ...] = ()
    """What was taken from SecLang though it does nothing here."""

    @property
    def ruleset_name(self) -> str:
        """The content hash of the linked rules."""
        return self.rules.name


def read_rules(settings: Settings, blame: Blame = nowhere) -> list[Rule]:
    """The rules of the signatures that the settings name, less the disabled ones. Raises ManyErrors, LocatedError."""
    signatures = load_all(read_signature_files(settings.inspection.signatures))
    disabled = settings.inspection.disabled
    known = [signature.id for signature in signatures]
    wrong = [
        blame(f"there is no signature {word!r} to disable", ("inspection", "disabled", i), meant(word, known))
        for i, word in enumerate(disabled)
        if word not in known
    ]
    if wrong:
        raise ManyErrors(wrong)
    rules = [lower(signature) for signature in signatures if signature.id not in disabled]
    used = frozenset(_PROTOCOLS[word] for word in settings.inspection.signatures_for)
    return [replace(rule, protocols=rule.protocols & used) for rule in rules if rule.protocols & used]


_PROTOCOLS = {"http": Protocol.HTTP, "mail": Protocol.SMTP}


def linked_rules(settings: Settings, blame: Blame = nowhere) -> RuleSet:
    """The rule set alone: see `linked_with`."""
    return linked_with(settings, blame)[0]


def linked_with(settings: Settings, blame: Blame = nowhere) -> tuple[RuleSet, Excluded]:
    """Signatures and SecLang rules, linked on all processors, with databases from the cache folder; and what routes
    and mail domains leave out of them. Raises as `read_all` and `linked` do."""
    signatures, seclang, excluded = read_all(settings, blame)
    return linked(signatures, settings.cache, seclang), excluded


def read_all(settings: Settings, blame: Blame = nowhere) -> tuple[list[Rule], SecLang, Excluded]:
    """Rules of both languages, and exclusions among them. Raises LocatedError, ManyErrors with all that is wrong."""
    wrong: list[LocatedError] = []
    signatures = _attempt(wrong, lambda: read_rules(settings, blame))
    read = _attempt(wrong, lambda: lowered(settings.inspection.rules))
    if signatures is None or read is None:
        raise together(wrong)
    written = [rule for rule in read.rules if isinstance(rule, Rule)]
    excluded = read_exclusions(settings, [*signatures, *written], blame)
    return signatures, folded(read, settings.inspection.paranoia, excluded.removed()), excluded


def _attempt(wrong: list[LocatedError], make: Callable[[], T]) -> T | None:
    """What `make` gives; None when it meets errors, which are added to `wrong`."""
    try:
        return make()
    except ManyErrors as error:
        wrong += error.errors
    except LocatedError as error:
        wrong.append(error)
    return None


def linked(rules: Sequence[Rule], cache: str, more: SecLang = NO_SECLANG) -> RuleSet:
    """Rules linked on all processors, with databases from the folder `cache`. Raises RuleError."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return link([*rules, *more.rules], FolderStore(cache), pool.map, dict(more.variables), more.detects)


def prepare(settings: Settings, blame: Blame = nowhere) -> Prepared:
    """Build once, for all workers, what they will need. Raises LocatedError or ManyErrors."""
    wrong: list[LocatedError] = [*_listening(settings, blame), *_logging(settings, blame)]
    if (found := control.wrong(settings.control)) is not None:
        wrong.append(blame(found[0], ("control", "path"), found[1]))
    read = _attempt(wrong, lambda: read_all(settings, blame))
    if read is None or wrong:
        raise ManyErrors(wrong)
    for listener in settings.listeners:
        if listener.tls is not None:
            server_context(listener.tls)
    try:
        DirectDialer(settings.upstreams)
    except OSError as error:
        raise ConfigError(f"an upstream's CA cannot be read: {error}", Location("upstreams")) from None
    _try_folder(settings.spool)
    signatures, seclang, excluded = read
    return Prepared(settings, linked(signatures, settings.cache, seclang), excluded, seclang.notices)


def _listening(settings: Settings, blame: Blame) -> Iterator[ConfigError]:
    """Addresses that this machine does not have. Whether a port is free is known only when it is bound."""
    wanted: list[tuple[str, Address, Place]] = [
        (f"listener {one.name}", one.bind, ("listeners", i, "bind")) for i, one in enumerate(settings.listeners)
    ]
    if settings.admin is not None:
        wanted.append(("the admin listener", settings.admin, ("admin",)))
    for name, address, place in wanted:
        if (found := unavailable(address)) is not None:
            yield blame(f"{name} {found[0]}", place, found[1])


def _logging(settings: Settings, blame: Blame) -> Iterator[ConfigError]:
    """Log files that could not be opened; none is made here."""
    logs = settings.logs
    for kind, log in (("access", logs.access), ("audit", logs.audit), ("error", logs.error)):
        word, _, path = log.to.partition(":")
        if word == "file" and (reason := _unwritable(path)):
            yield blame(f"the {kind} log {path} cannot be written: {reason}", ("logs", kind, "to"), "")


def _unwritable(path: str) -> str:
    """Why a log file cannot be written; "" when it can."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    if not os.path.exists(path):
        return "" if os.access(folder, os.W_OK | os.X_OK, effective_ids=True) else f"{folder} cannot be written"
    try:
        # Non-blocking, because opening a FIFO that nobody reads would wait for ever.
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return "nobody reads this FIFO" if error.errno == errno.ENXIO else os.strerror(error.errno or 0)
    return ""


def _try_folder(folder: str) -> None:
    """The spool must be writable: a disk that refuses later is a limit, one that refuses now is a mistake."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the spool folder cannot be made: {error}", Location(folder)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError("the spool folder cannot be written", Location(folder))
