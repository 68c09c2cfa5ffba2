"""What the composition root gives to this room: how to prepare, and how to build a worker's parts.

`runtime` decides when things start and stop; it knows no protocol and no rule. `app` implements these protocols,
tests implement them with an echo server. Nothing here does anything.

The order inside a worker: `build` (on the running loop, may fail) -> `start` (begin to accept) ->
`stop_accepting` -> `drain` -> `close`. `close` alone is called when a worker ends before it was told to accept.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from revproxy.config.settings import Settings
from revproxy.runtime.hands import Hand


class Prepared(Protocol):
    """Everything that can fail, done: configuration checked, rules linked, databases compiled. Picklable.

    It is pickled once and read by every worker of a generation, also by one that replaces a dead worker later:
    what it holds must not depend on files that may change in between. What is large goes beside the pickle, in
    `pieces`: a worker that holds a piece of that name already is not sent it again.
    """

    @property
    def settings(self) -> Settings:
        """The whole configuration, checked."""

    @property
    def ruleset_name(self) -> str:
        """The content hash of the linked rules, for status and logs."""

    @property
    def rest(self) -> str:
        """A hash of everything but the rules: where it is the same, workers in service can be given these rules."""

    @property
    def sets(self) -> Mapping[str, str]:
        """Of each feed that the rules come from, which set: for status."""

    @property
    def pieces(self) -> Mapping[str, bytes]:
        """Large parts by the hash of their content. Not pickled."""

    @property
    def patched(self) -> bool:
        """Whether it was put together quickly, and what `Plan.mend` starts can make a faster one of it."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Rules that are to run beside those in force, and change nothing."""

    name: str
    """What they are called where they come from."""
    prepare: Callable[[], Prepared]
    """Runs in a thread. Raises LocatedError or ManyErrors."""


class WorkerParts(Protocol):
    """What lives in one worker. All methods are called on the worker's loop."""

    async def start(self, sockets: Mapping[str, socket.socket]) -> None:
        """Begin to accept; `sockets` are listening, non-blocking, by listener name, and this owns them from now.

        Pass `backlog=runtime.sockets.BACKLOG` to `create_server`: it calls listen() again, and all share it.
        """

    def stop_accepting(self) -> None:
        """Close the listening sockets of this process; what waits in the kernel's queue is taken by others."""

    async def drain(self, deadline_seconds: float) -> None:
        """Return when exchanges and sessions under way are finished, at the deadline at the latest.

        Clients that keep a connection alive are told to close with their next response; idle ones are closed.
        """

    def snapshot(self) -> dict[str, Any]:
        """Metrics as `audit.metrics` merges them; plain JSON values."""

    def status(self) -> dict[str, Any]:
        """A few plain JSON values for people: connections, transactions under way."""

    def reopen_logs(self) -> None:
        """Open log files anew (after rotation)."""

    def load(self, prepared: Any, pieces: dict[str, bytes]) -> Any:
        """Make of newly prepared rules what `swap` puts in force. Runs in a thread beside the loop, and may fail.

        `pieces` are those that the set in force does not have; take them out to free them early.
        """

    def swap(self, made: Any) -> None:
        """Put in force what `load` made: what begins from now on has the new rules, what is under way keeps its own.

        Nothing here may fail.
        """

    def load_staged(self, prepared: Any, pieces: dict[str, bytes]) -> Any:
        """Make of prepared rules what `stage` puts beside those in force; otherwise as `load`."""

    def stage(self, made: Any) -> None:
        """Have what begins from now on judged by these rules as well; None: by no others. Nothing here may fail."""

    def staged(self) -> dict[str, Any] | None:
        """What they said so far (`inspection.staging.Report`), as plain JSON values; None where there are none."""

    async def close(self) -> None:
        """Let go of everything: connections are cut, records flushed. Called once, also after a failed `start`."""


Prepare = Callable[[], Prepared]
"""Runs in a thread. Raises LocatedError or ManyErrors for what a person wrote wrongly."""


def _unlocked() -> None:
    """There is no sandbox."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a worker is given besides what it is built from, and how it is locked in."""

    spool: str
    """The folder in which it may make files."""
    egress: socket.socket | None = None
    """The way to the broker, which connects for it; None: it may connect by itself."""
    hand: Hand | None = None
    """Opens its log files again; None: it may open them itself."""
    lock: Callable[[], None] = _unlocked
    """To be called once, while it builds: when all files are open, and before it starts the first thread."""


Build = Callable[[Any, int, MutableMapping[str, bytes], Cell], WorkerParts]
"""(prepared, worker index from 0, pieces, cell) -> parts. Runs on the worker's loop, before it accepts. Pieces are
to be taken out one after the other: each may be read only then."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message to a worker, pickled; everything after it is JSON."""

    generation: int
    index: int
    beat: float
    descriptors: dict[str, int]
    prepared: bytes
    """`Prepared`, pickled once for all."""
    pieces: tuple[tuple[str, int], ...] = ()
    """The names and lengths of its pieces, which stand one behind the other ..."""
    stored: int | None = None
    """... in the file with this descriptor (`unnamed`)."""
    egress: int | None = None
    """The descriptor of its socket to the broker ..."""
    hand: int | None = None
    """... and of that on which the supervisor opens log files for it."""
    bell: int | None = None
    """That of the bell (`legacy`), which is heard when the supervisor is gone; None: it drains then."""
    hung: float = 0.0
    """After so many seconds without a turn of its loop the kernel ends it; 0: never."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. Defaults are the shipped ones; tests use shorter ones."""

    beat: float = 1.0
    """A worker says that it lives so often ..."""
    beats_missed: int = 10
    """... and is killed after so many that did not come."""
    ready: float = 60.0
    """How long a generation may take until all its workers are ready."""
    answer: float = 1.0
    """How long a worker may take to answer a question (status, metrics)."""
    young: float = 5.0
    """A worker that dies before this age is replaced after a pause ..."""
    backoff_first: float = 0.1
    backoff_most: float = 5.0
    """... that doubles up to this."""
    grace: float = 2.0
    """From the end of a drain to SIGTERM, and from SIGTERM or SIGABRT to SIGKILL."""

    @property
    def hung(self) -> float:
        """A worker whose loop stands still for so long ends by itself: the supervisor that would end it is gone."""
        return 2 * (self.beat * self.beats_missed + self.grace)

    def pause_after(self, age: float, last: float) -> float:
        """Before a process is replaced that ended at this age; `last` was the pause before."""
        if age >= self.young:
            return 0.0
        return min(self.backoff_most, max(self.backoff_first, last * 2))


_PASSED = frozenset(
    ("HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ")
)
_FAMILIES = ("LC_", "MALLOC_", "PYTHON")


def _environment() -> dict[str, str]:
    """Of ours what a process of Python needs to run as this one does: whatever else is there may be a secret, and
    whoever is in a worker could read it."""
    return {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_FAMILIES)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What `supervise` needs. `file` is the configuration's path, for errors that name no better place."""

    prepare: Prepare
    worker: tuple[str, ...]
    """Arguments that start a worker; the number of its channel's descriptor is appended as the last one."""
    file: str
    announce: Callable[[str], None] = lambda _line: None
    """Gets the one `ready` line."""
    timing: Timing = field(default_factory=Timing)
    environment: Mapping[str, str] = field(default_factory=_environment)
    """The workers' environment."""
    broker: tuple[str, ...] = ()
    """What starts a broker; none: workers connect by themselves."""
    update: tuple[str, ...] = ()
    """Arguments that start an update of signatures; none: nobody looks for newer ones."""
    staged: Callable[[Settings], Staged | None] = lambda _settings: None
    """What is to run in shadow with these settings. Runs in a thread; raises ConfigError."""
    settle: tuple[str, ...] = ()
    """Arguments that start what carries out a decision on it, and asks for that on the control socket."""
    program: tuple[str, ...] = ()
    """What starts the supervisor, as it is installed then; none: it is not upgraded."""
    proof: tuple[str, ...] = ()
    """What ends with 0 if that would serve, and says on stderr why not."""
    mend: tuple[str, ...] = ()
    """Arguments that start what makes a faster one of what is `Prepared.patched`; none: it stays as it is."""
