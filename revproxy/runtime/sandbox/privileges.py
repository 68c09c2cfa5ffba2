"""Another user, no capabilities, no way back. For a process with one thread: the others would keep what they have.

Where it was not started as root the user stays, and all capabilities go all the same.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress

from revproxy.config.users import User
from revproxy.runtime.sandbox.kernel import Machine, prctl, syscall

_SET_DUMPABLE, _DROP_BOUND, _SET_NO_NEW_PRIVS, _AMBIENT, _CLEAR_AMBIENT = 4, 24, 38, 47, 4
_VERSION_3 = 0x20080522
_MOST_CAPABILITIES = 64


def no_new_privileges() -> None:
    """No program that this process starts has more rights than it. Raises OSError."""
    prctl(_SET_NO_NEW_PRIVS, 1)


def drop(machine: Machine, user: User | None) -> None:
    """Become the user (None: stay who we are), without capabilities. Raises OSError."""
    for number in range(_MOST_CAPABILITIES):
        # Without CAP_SETPCAP, which an ordinary user lacks, the bounding set stays; no_new_privs holds it.
        with suppress(OSError):
            prctl(_DROP_BOUND, number)
    if user is not None:
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    with suppress(OSError):
        prctl(_AMBIENT, _CLEAR_AMBIENT)
    syscall(machine.numbers["capset"], struct.pack("=Ii", _VERSION_3, 0), bytes(24))
    no_new_privileges()
    # Nobody of the same user may look into our memory, where keys are; nor does it end up in a file.
    prctl(_SET_DUMPABLE, 0)


def capabilities() -> int:
    """All sets of this thread together, as bits; 0: none."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        rows = dict(line.split(":", 1) for line in file if line.startswith("Cap"))
    held = 0
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        held |= int(rows.get(name, "0"), 16)
    return held
