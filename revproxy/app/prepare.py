"""Everything that can fail, before anything is bound: signatures read and linked; certificates, addresses, logs, the
control socket's place and folders tried.

What comes out is sent to the workers, which then depend on no file that may change in between.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace

from revproxy.app.excluded import Excluded
from revproxy.app.inputs import digest_of
from revproxy.app.linking import begin
from revproxy.app.prepared import Prepared
from revproxy.config import Address, Blame, Settings, nowhere
from revproxy.config.reader import Place
from revproxy.config.users import User, process_users
from revproxy.detection.link import Told, unheard
from revproxy.errors import ConfigError, LocatedError, Location, ManyErrors, attempt
from revproxy.net import DirectDialer, server_context
from revproxy.runtime import control
from revproxy.runtime.sandbox import lacking
from revproxy.runtime.sockets import unavailable


def prepare(settings: Settings, blame: Blame = nowhere, told: Told = unheard) -> Prepared:
    """Build once, for all workers, what they will need. Raises LocatedError or ManyErrors. `told`: see `linking`."""
    wrong: list[LocatedError] = [*_listening(settings, blame), *_logging(settings, blame)]
    if (found := control.wrong(settings.control)) is not None:
        wrong.append(blame(found[0], ("control", "path"), found[1]))
    finish = attempt(wrong, lambda: begin(settings, blame, told))
    if finish is None or wrong:
        raise ManyErrors(wrong)
    for listener in settings.listeners:
        if listener.tls is not None:
            server_context(listener.tls)
    try:
        DirectDialer(settings.upstreams)
    except OSError as error:
        raise ConfigError(f"an upstream's CA cannot be read: {error}", Location("upstreams")) from None
    try_spool(settings, blame)
    linked = finish()
    rest = _rest(settings, linked.excluded)
    return Prepared(settings, linked.rules, linked.excluded, linked.notices, rest, linked.sets)


def _rest(settings: Settings, excluded: Excluded) -> str:
    """A hash of everything but the rules: of the settings, of the rules that are left out somewhere, and of the files
    that workers read when they are built."""
    files = [one for listener in settings.listeners if listener.tls for one in listener.tls.certificates]
    names = [name for one in files for name in (one.certificate, one.key)]
    names += [upstream.tls.ca for upstream in settings.upstreams if upstream.tls and upstream.tls.ca]
    inspection = replace(settings.inspection, signatures=(), signatures_for=(), rules=(), paranoia=0, disabled=())
    digest = hashlib.sha256(repr(replace(settings, inspection=inspection)).encode("utf-8", "surrogateescape"))
    digest.update(excluded.text().encode("utf-8", "surrogateescape"))
    for name in names:
        digest.update(digest_of(name).encode())
    return digest.hexdigest()


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


def try_spool(settings: Settings, blame: Blame = nowhere) -> None:
    """Make the spool, for whoever workers become. Raises ConfigError."""
    _try_folder(settings.spool, worker_user(settings, blame))


def spool_is_ready(settings: Settings, blame: Blame = nowhere) -> bool:
    """Whether the spool is as workers will find it; False where `try_spool` would make it or give it to them. Changes
    nothing. Raises ConfigError as that does."""
    user = worker_user(settings, blame)
    try:
        found = os.stat(settings.spool)
    except OSError:
        return False
    if user is not None and _to_be_given(found):
        return False
    _check_folder(settings.spool, found, user)
    return True


def worker_user(settings: Settings, blame: Blame) -> User | None:
    """Whom workers become; None: they stay who we are. Raises ConfigError for nobody, for root, and for a sandbox
    that is required where it cannot be had."""
    if not settings.sandbox:
        return None
    if settings.require_sandbox and (missing := lacking()):
        raise blame(f"this machine cannot do all of the sandbox: {'; '.join(missing)}", ("require_sandbox",), "")
    workers, _ = process_users(settings, blame)
    return workers if os.getuid() == 0 else None


def _try_folder(folder: str, user: User | None) -> None:
    """The spool must be writable: a disk that refuses later is a limit, one that refuses now is a mistake.

    A folder of root's that nobody else may enter is given to the user who is to write there.
    """
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.stat(folder)
        if user is not None and _to_be_given(found):
            os.chown(folder, user.uid, user.gid)
            found = os.stat(folder)
    except OSError as error:
        raise ConfigError(f"the spool folder cannot be made: {error}", Location(folder)) from None
    _check_folder(folder, found, user)


def _to_be_given(found: os.stat_result) -> bool:
    return found.st_uid == 0 and not found.st_mode & 0o077


def _check_folder(folder: str, found: os.stat_result, user: User | None) -> None:
    """Raises ConfigError."""
    if not (_may_write(found, user) if user is not None else os.access(folder, os.W_OK | os.X_OK)):
        who = f" by {user.name}" if user is not None else ""
        raise ConfigError(f"the spool folder cannot be written{who}", Location(folder))


def _may_write(found: os.stat_result, user: User) -> bool:
    """By its bits: write and enter."""
    shift = 6 if found.st_uid == user.uid else 3 if found.st_gid == user.gid else 0
    return found.st_mode >> shift & 0o3 == 0o3
