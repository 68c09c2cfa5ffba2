"""What an attempt is, and what became of it. Each is one call that the kernel is to refuse."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from revproxy.config import Settings
from revproxy.runtime.sandbox.kernel import machine, syscall

_REFUSALS = frozenset((errno.EPERM, errno.EACCES))
_ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR))


class Outcome(StrEnum):
    """What became of it."""

    REFUSED = "refused"
    POSSIBLE = "POSSIBLE"
    """It was done, or failed for a reason that is no refusal: the network's, say."""
    ABSENT = "not tried"
    """There is nothing here to try it on."""
    WORKS = "works"
    """What a worker needs."""
    FAILS = "does not work"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a worker has, made before the probe was locked in, and what it must not reach."""

    settings: Settings
    listening: socket.socket
    """As those that workers inherit."""
    datagrams: socket.socket
    """A connected UDP socket, as a log to a syslog server has one."""
    reset: socket.socket
    """An accepted connection that its peer has reset."""
    egress: socket.socket
    """The way to a broker of the same configuration."""
    strangers: tuple[tuple[str, int], ...]
    """Addresses and ports that no upstream has."""
    private: tuple[str, ...]
    """Files that are not to be read or written."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`call` raises OSError; EPERM and EACCES are refusals. `wanted`: a worker needs it."""

    group: str
    what: str
    call: Callable[[], object]
    wanted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Good is what is as it should be."""

    group: str
    what: str
    outcome: Outcome
    why: str = ""

    @property
    def good(self) -> bool:
        """Whether it is as it should be."""
        return self.outcome not in (Outcome.POSSIBLE, Outcome.FAILS)


def made(attempt: Attempt) -> Row:
    """Make the attempt."""
    try:
        attempt.call()
    except OSError as error:
        return Row(attempt.group, attempt.what, _outcome(attempt, error), _name(error))
    return Row(attempt.group, attempt.what, Outcome.WORKS if attempt.wanted else Outcome.POSSIBLE)


def _outcome(attempt: Attempt, error: OSError) -> Outcome:
    if attempt.wanted:
        return Outcome.FAILS
    if error.errno in _REFUSALS:
        return Outcome.REFUSED
    # Where a kernel does not have a call at all, nobody can make it.
    return Outcome.ABSENT if error.errno in _ABSENT or error.errno == errno.ENOSYS else Outcome.POSSIBLE


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "") or str(error)


def call(name: str, *arguments: int | bytes | None) -> int:
    """A system call by its name. Raises OSError; ENOSYS where this processor has none of that name."""
    this = machine()
    if this is None or name not in this.numbers:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return syscall(this.numbers[name], *arguments)
