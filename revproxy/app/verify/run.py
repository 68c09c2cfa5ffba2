"""Starts a broker and a probe as a generation would, and makes a table of what the probe says."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import pickle
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from revproxy.app.prepare import spool_is_ready, worker_user
from revproxy.app.service import BROKER, WORKER
from revproxy.app.verify.attempt import Outcome, Row
from revproxy.app.verify.probe import Errand
from revproxy.config import Blame, Settings, nowhere
from revproxy.errors import RevproxyError
from revproxy.runtime.egress import Egress, errand_of

PROBE = (*WORKER[:-1], "revproxy.app.verify.probe")
INTERNET = ("198.51.100.1", 443)
"""Of the range that is for documentation: nobody is there."""
_SECONDS = 120.0
_SSH, _TELNET = 22, 23
_SYSTEM_FILES = ("/etc/passwd", "/etc/shadow", "/proc/1/environ")

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. `missing` is what this machine lacks of the sandbox."""

    rows: tuple[Row, ...]
    missing: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was possible that must not be, and a worker has what it needs."""
        # An upstream that is away is nobody's fault here.
        return all(row.good for row in self.rows if row.group != "broker")


def strangers_of(settings: Settings, more: Iterable[Place] = ()) -> tuple[Place, ...]:
    """Addresses and ports that are not declared: the Internet, other ports of internal servers, their neighbours."""
    declared = {(upstream.address.host, upstream.address.port) for upstream in settings.upstreams}
    near = (place for host, port in sorted(declared) for place in _near(host, port))
    return tuple(dict.fromkeys(place for place in (INTERNET, *near, *more) if place not in declared))


def _near(host: str, port: int) -> Iterator[Place]:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name: where it leads only the broker knows.
        return
    yield host, _SSH if port != _SSH else _TELNET
    yield str(address + 1), port


def private_of(settings: Settings, file: str) -> tuple[str, ...]:
    """Files that a worker must not read any more: keys, the configuration, logs, and what any intruder looks for."""
    tls = [listener.tls for listener in settings.listeners if listener.tls is not None]
    keys = [path for one in tls for pair in one.certificates for path in (pair.key, pair.certificate)]
    logs = [log.to for log in (settings.logs.access, settings.logs.audit, settings.logs.error)]
    files = [path for word, _, path in (to.partition(":") for to in logs) if word == "file"]
    return tuple(dict.fromkeys([*keys, file, *files, *_SYSTEM_FILES]))


def verify(settings: Settings, file: str, more: Iterable[Place] = (), blame: Blame = nowhere) -> Report:
    """Make the attempts. Raises ConfigError, RevproxyError when the probe could not be started."""
    with _spooling(settings, blame) as settings:
        errand = Errand(settings, strangers_of(settings, more), private_of(settings, file))
        return report_of(asyncio.run(_run(settings, errand)))


@contextmanager
def _spooling(settings: Settings, blame: Blame) -> Iterator[Settings]:
    """With a spool that is as workers find it: the one that is configured or, where the start has yet to make it or
    to give it to them, another that is gone afterwards."""
    if spool_is_ready(settings, blame):
        yield settings
        return
    try:
        stand_in = tempfile.TemporaryDirectory(prefix="revproxy-verify-")
    except OSError as error:
        raise RevproxyError(f"there is no place for the probe's spool: {error}") from None
    with stand_in as folder:
        if (user := worker_user(settings, blame)) is not None:
            os.chown(folder, user.uid, user.gid)
        yield replace(settings, spool=folder)


async def _run(settings: Settings, errand: Errand) -> list[str]:
    # Whoever broke the wire is killed by a supervisor; here it is hung up on.
    # What it says of attempts is no trouble: the table tells of them.
    broker = replace(errand_of(settings, "broker"), level="error")
    egress = Egress(broker, BROKER, lambda line: egress.drop(line))
    try:
        await egress.start()
        number, sock = egress.line()
        with sock:
            probe = await _probe(sock.fileno())
        try:
            async with asyncio.timeout(_SECONDS):
                said, _ = await probe.communicate(pickle.dumps(errand))
        except TimeoutError:
            probe.kill()
            said, _ = await probe.communicate()
        egress.drop(number)
    finally:
        await egress.close()
    return said.decode().splitlines()


async def _probe(number: int) -> asyncio.subprocess.Process:
    """The probe, with its socket. Raises RevproxyError where it cannot be started."""
    pipe = subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(*PROBE, str(number), pass_fds=(number,), stdin=pipe, stdout=pipe)
    except OSError as error:
        raise RevproxyError(f"the probe cannot be started: {error}") from error


def report_of(lines: Iterable[str]) -> Report:
    """Of what the probe said. Raises RevproxyError where it was never locked in."""
    rows: list[Row] = []
    missing: tuple[str, ...] | None = None
    begun: tuple[str, str] | None = None
    for message in map(json.loads, lines):
        if "failed" in message:
            raise RevproxyError(message["failed"])
        if "missing" in message:
            missing = tuple(message["missing"])
        elif "begins" in message:
            begun = tuple(message["begins"])
        elif "row" in message:
            rows.append(Row(**{**message["row"], "outcome": Outcome(message["row"]["outcome"])}))
            begun = None
        elif "ends" in message:
            begun = None
    if missing is None:
        raise RevproxyError("the probe ended before it was locked in")
    if begun is not None:
        # Whatever it was, it was not refused.
        rows.append(Row(*begun, Outcome.POSSIBLE, "the probe ended"))
    return Report(tuple(rows), missing)
