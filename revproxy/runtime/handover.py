"""Becoming another version of the program, in place: what goes through execve(2), and what comes out of it.

The process stays the same one, and so do its children and the listening sockets; everything else begins anew. Workers
see their channels close and go on serving (`legacy`) until those that the new version starts accept.

Invariants: nothing is handed over before the new version has proved itself (`prove`); signals wait from before the
exec until the new version hears them; the descriptors that it was given stay open until it serves, for another try.
When that is tried is `succession`'s.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from revproxy.errors import RevproxyError
from revproxy.runtime.legacy import Bell, Estate

_log = logging.getLogger("revproxy.supervisor")
VARIABLE: Final = "REVPROXY_HANDOVER"
BOUND: Final = "REVPROXY_BOUND"
"""In the environment of a proof: the addresses that the supervisor has bound, which the program will be given."""
HEARD: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that the supervisor hears."""
PROOF_SECONDS: Final = 300.0
_MOST_SAID: Final = 4000


class UpgradeRefused(RevproxyError):
    """The program as it is installed now would not serve; the text is what it says."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What goes through the exec; numbers are descriptors, but for the children's."""

    listening: Mapping[str, int]
    """By key (`sockets.Keeper`)."""
    bell: int
    children: tuple[int, ...]
    """Process ids."""
    seconds: float
    """How long the workers among them may drain."""
    asking: tuple[int, ...] = ()
    """Control clients that wait for the answer."""
    tries: int = 0
    """How often the new version has failed to start."""

    def encode(self) -> str:
        """As it stands in the environment."""
        return json.dumps({**asdict(self), "listening": dict(self.listening)})

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> Handover | None:
        """Out of the environment, if there is one. Raises ValueError, TypeError for what `encode` did not make."""
        text = environment.pop(VARIABLE, "")
        if not text:
            return None
        fields = json.loads(text)
        made = cls(**{**fields, "children": tuple(fields["children"]), "asking": tuple(fields["asking"])})
        for number in made.descriptors:
            os.set_inheritable(number, False)
        return made

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All of them."""
        return (*self.listening.values(), self.bell, *self.asking)

    def again(self) -> Handover:
        """For another try: whoever asked was answered."""
        return replace(self, asking=(), tries=self.tries + 1)

    def estate(self, claimed: Estate | None) -> Estate:
        """Copies of the sockets. `claimed` is what the broker of before has given, and is told by it."""
        for sock in claimed.sockets.values() if claimed is not None else ():
            sock.close()
        copies = {key: socket.socket(fileno=os.dup(number)) for key, number in self.listening.items()}
        return Estate(Bell(os.dup(self.bell)), copies, also=claimed)

    def answer(self, answer: Mapping[str, Any]) -> None:
        """Tell the clients that asked for it what came of it."""
        line = json.dumps(answer).encode() + b"\n"
        for number in self.asking:
            with suppress(OSError), socket.socket(fileno=number) as client:
                client.setblocking(False)
                client.send(line)

    def close(self) -> None:
        """Let go of everything that is not answered; the new version serves."""
        for number in (*self.listening.values(), self.bell):
            os.close(number)


async def prove(
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float = PROOF_SECONDS,
    bound: Iterable[str] = (),
) -> None:
    """Have the program as it is installed now show that it would serve, beside us who have bound these addresses.
    Raises UpgradeRefused."""
    pipe = subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**environment, BOUND: json.dumps(sorted(bound))},
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except OSError as error:
        raise UpgradeRefused(f"the program cannot be started: {error}") from error
    try:
        async with asyncio.timeout(seconds):
            _, said = await process.communicate()
    except TimeoutError:
        raise UpgradeRefused(f"the program was not done with its check after {seconds:g} s") from None
    finally:
        # Its workers, too.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode:
        text = said[-_MOST_SAID:].decode("utf-8", "replace").strip()
        raise UpgradeRefused(f"the installed program would not serve; this one goes on:\n{text}")


def bound_of(environment: Mapping[str, str]) -> frozenset[str] | None:
    """The addresses that stand there; None: this is no proof. Raises ValueError for what `prove` did not write."""
    return frozenset(json.loads(environment[BOUND])) if BOUND in environment else None


def become(program: Sequence[str], environment: Mapping[str, str], handover: Handover) -> None:
    """Execute the program in this process; returns only by raising OSError, and nothing has changed then."""
    for number in handover.descriptors:
        os.set_inheritable(number, True)
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    try:
        os.execve(program[0], list(program), {**environment, VARIABLE: handover.encode()})
    finally:
        hear()
        for number in handover.descriptors:
            os.set_inheritable(number, False)


def hear() -> None:
    """Take the signals that have waited since the exec."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)


class Adopted:
    """Children whom another version of the program has started: they are to end, and somebody has to collect them."""

    def __init__(self, pids: Sequence[int] = ()) -> None:
        self._ends = {pid: asyncio.create_task(self._collect(pid)) for pid in pids if _is_child(pid)}

    @property
    def pids(self) -> list[int]:
        """Those that have not ended."""
        return [pid for pid, end in self._ends.items() if not end.done()]

    async def end(self, seconds: float) -> None:
        """Return when all have ended; after so long they are killed."""
        if self.pids:
            await asyncio.wait(self._ends.values(), timeout=seconds)
        if self.pids:
            _log.error("%d processes of before do not end; killed", len(self.pids))
            self.kill()
            await asyncio.wait(self._ends.values())

    def kill(self) -> None:
        """SIGKILL to those that have not ended."""
        for pid in self.pids:
            # Nobody else collects it, so the number is still its own.
            os.kill(pid, signal.SIGKILL)

    async def _collect(self, pid: int) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        number = os.pidfd_open(pid)
        loop.add_reader(number, _settle, ended)
        try:
            await ended
            _reap(pid)
        finally:
            loop.remove_reader(number)
            os.close(number)


def _is_child(pid: int) -> bool:
    """Whether it is ours to collect, and so to kill. One that ended before this try was collected then, and its
    number may be anybody's by now."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _settle(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
