"""Landlock: from now on this thread, and those that it makes, reach only the files and TCP ports that are named.

What a kernel's version of it cannot hold is told (`lacking`). It holds no UDP, no other protocols and no sockets that
are connected already: those are the filter's.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from revproxy.runtime.sandbox.kernel import Machine, prctl, syscall

_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_WRITE_FILE, _REMOVE_FILE, _MAKE_FILE, _REFER, _TRUNCATE, _DEVICE = 1 << 1, 1 << 5, 1 << 8, 1 << 13, 1 << 14, 1 << 15
_FIRST = (1 << 13) - 1
"""All rights to files that the first version knows."""
_READ = _READ_FILE | _READ_FOLDER
_OWN = _READ_FILE | _WRITE_FILE | _REMOVE_FILE | _MAKE_FILE | _TRUNCATE
_ON_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE
"""Of these, what a rule for a file, not for a folder, may name."""
_BIND, _CONNECT = 1, 2
_ABSTRACT, _SIGNAL = 1, 2
_GET_VERSION, _RULE_PATH, _RULE_PORT = 1, 1, 2
_PATH = struct.Struct("=Qi")
_PORT = struct.Struct("=QQ")
_SET_NO_NEW_PRIVS = 38
_SINCE = ((1, "files"), (3, "truncating files"), (4, "TCP ports"), (6, "signals and abstract sockets"))


@dataclass(frozen=True, slots=True)
class Reach:
    """What stays within reach. Paths that do not exist are left out."""

    read: tuple[str, ...] = ()
    """Files and folders, with what is below them, that may be read ..."""
    own: tuple[str, ...] = ()
    """... and folders in which files may be made, written and removed."""
    ports: tuple[int, ...] = ()
    """Ports to which TCP may connect; none may be bound."""


def version(machine: Machine) -> int:
    """That of this kernel; 0 where there is none."""
    try:
        return syscall(machine.numbers["landlock_create_ruleset"], None, 0, _GET_VERSION)
    except OSError:
        return 0


def lacking(machine: Machine) -> tuple[str, ...]:
    """What this kernel's version does not hold."""
    have = version(machine)
    return tuple(f"Landlock for {what} (kernel has version {have})" for since, what in _SINCE if have < since)


def restrict(machine: Machine, reach: Reach) -> None:
    """Put it in force for this thread. Raises OSError; nothing where the kernel has none."""
    have = version(machine)
    if not have:
        return
    files = _FIRST | (_REFER if have >= 2 else 0) | (_TRUNCATE if have >= 3 else 0) | (_DEVICE if have >= 5 else 0)
    words = [files, *([_BIND | _CONNECT] if have >= 4 else []), *([_ABSTRACT | _SIGNAL] if have >= 6 else [])]
    attributes = struct.pack(f"={len(words)}Q", *words)
    rules = syscall(machine.numbers["landlock_create_ruleset"], attributes, len(attributes), 0)
    try:
        _allow(machine, rules, reach, files)
        if have >= 4:
            for port in sorted(set(reach.ports)):
                syscall(machine.numbers["landlock_add_rule"], rules, _RULE_PORT, _PORT.pack(_CONNECT, port), 0)
        prctl(_SET_NO_NEW_PRIVS, 1)
        syscall(machine.numbers["landlock_restrict_self"], rules, 0)
    finally:
        os.close(rules)


def _allow(machine: Machine, rules: int, reach: Reach, handled: int) -> None:
    wanted: list[tuple[Iterable[str], int]] = [(reach.read, _READ), (reach.own, _OWN)]
    for paths, rights in wanted:
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                _allow_path(machine, rules, path, rights & handled)


def _allow_path(machine: Machine, rules: int, path: str, rights: int) -> None:
    number = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        held = rights if os.path.isdir(path) else rights & _ON_FILES
        syscall(machine.numbers["landlock_add_rule"], rules, _RULE_PATH, _PATH.pack(held, number), 0)
    finally:
        os.close(number)
