"""Locking a process in: Landlock, another user, no capabilities, a filter of system calls, in this order.

Two steps. `begin` comes before the event loop is made, `confine` when everything is open that will be needed, and
before the first thread. What this machine cannot do is told, and the rest is done all the same; whether that will do
is the caller's to decide.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from revproxy.config.users import User
from revproxy.errors import RevproxyError
from revproxy.runtime.sandbox import landlock, privileges
from revproxy.runtime.sandbox.allowed import IO_URING
from revproxy.runtime.sandbox.kernel import Machine, machine, syscall
from revproxy.runtime.sandbox.landlock import Reach
from revproxy.runtime.sandbox.program import ALLOW, Call, build

_SET_FILTER, _ACTION_AVAILABLE, _ALL_THREADS = 1, 2, 1
_NO_PROCESSOR = "everything but the user: this processor is not in our tables"
_NO_FILTER = "the filter of system calls: the kernel has none"
_RING = "the filter of system calls: the event loop holds an io_uring, which is not held by it"


class NotConfined(RevproxyError):
    """A process could not be locked in, or not as it is required."""


@dataclass(frozen=True, slots=True)
class Walls:
    """What a process is left with."""

    reach: Reach
    calls: Callable[[int], Sequence[Call]]
    """The calls that it may make, given its process id."""
    user: User | None
    """Whom it becomes where it is root."""
    required: bool = False
    """Whether it must not run with less than all of it."""


def lacking() -> tuple[str, ...]:
    """What this machine cannot do, as far as can be known without doing it."""
    this = machine()
    if this is None or sys.byteorder != "little":
        return (_NO_PROCESSOR,)
    found = list(landlock.lacking(this))
    if not _filters(this):
        found.append(_NO_FILTER)
    return tuple(found)


def begin() -> None:
    """Before the event loop is made: it gets no io_uring. Nothing happens where there are no filters."""
    this = machine()
    if this is not None and _filters(this):
        privileges.no_new_privileges()
        _install(this, build(this, IO_URING, ALLOW))


def confine(walls: Walls) -> tuple[str, ...]:
    """Lock this process in; what is missing of it. Raises NotConfined where nothing may be, or something failed."""
    missing = _gaps()
    if walls.required and missing:
        raise NotConfined(f"the sandbox is required, and this is missing: {'; '.join(missing)}")
    if len(os.listdir("/proc/self/task")) > 1:
        raise NotConfined("a thread was started before the sandbox was")
    user = walls.user if os.getuid() == 0 else None
    this = machine()
    try:
        if this is None:
            _only_user(user)
            return missing
        # First, for the places that only root can name.
        landlock.restrict(this, walls.reach)
        privileges.drop(this, user)
        if _filters(this):
            _install(this, build(this, walls.calls(os.getpid())))
    except OSError as error:
        raise NotConfined(f"the sandbox cannot be set up: {error}") from error
    return missing


def program_folders() -> tuple[str, ...]:
    """Where this program's own code is: for modules and messages that are needed late. Nothing secret is there."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    package = str(Path(__file__).resolve().parent.parent.parent)
    return tuple(dict.fromkeys([*(sysconfig.get_path(name) for name in names), package]))


def _gaps() -> tuple[str, ...]:
    ring = [_RING] if any(target.endswith("[io_uring]") for target in _descriptors()) else []
    return (*lacking(), *ring)


def _descriptors() -> list[str]:
    """What is open: the names that /proc has for it."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            # The one that the list itself was read from.
            continue
    return found


def _only_user(user: User | None) -> None:
    if user is not None:
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)


def _filters(this: Machine) -> bool:
    try:
        syscall(this.numbers["seccomp"], _ACTION_AVAILABLE, 0, struct.pack("=I", ALLOW))
    except OSError as error:
        # Within a filter that refuses seccomp() itself, there is one already, but none of ours can be added.
        return error.errno not in (errno.ENOSYS, errno.EINVAL, errno.EPERM)
    return True


def _install(this: Machine, program: bytes) -> None:
    """For all threads of this process. Raises OSError."""
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: unsigned short, padding, pointer.
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    syscall(this.numbers["seccomp"], _SET_FILTER, _ALL_THREADS, head)
