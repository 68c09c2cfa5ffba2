"""System calls that Python has no words for, by ctypes. Each raises OSError with the kernel's errno.

Numbers stand in `calls.tsv`, for x86_64 and aarch64; on another processor nothing here works, and says so.
"""

from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass
from importlib.resources import files

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.restype = ctypes.c_int
_COLUMNS = {"x86_64": (1, 0xC000003E), "aarch64": (2, 0xC00000B7)}
"""The column of the table, and the kernel's name for the processor (AUDIT_ARCH_*)."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor's system calls. A call that it does not have is not in `numbers`."""

    name: str
    audit: int
    numbers: dict[str, int]


def machine(name: str = "") -> Machine | None:
    """This machine's, or that of this name; None for one that is not in the table."""
    name = name or platform.machine()
    if name not in _COLUMNS:
        return None
    column, audit = _COLUMNS[name]
    rows = (line.split("\t") for line in (files(__package__) / "calls.tsv").read_text("ascii").splitlines())
    return Machine(name, audit, {row[0]: int(row[column]) for row in rows if row[column] != "-"})


def syscall(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | bytes | None) -> int:
    """Call the kernel directly. Raises OSError."""
    result = int(_libc.syscall(ctypes.c_long(number), *(_word(argument) for argument in arguments)))
    if result < 0:
        raise _error()
    return result


def prctl(option: int, *arguments: int) -> int:
    """See prctl(2). Raises OSError."""
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    result = int(_libc.prctl(ctypes.c_int(option), *words))
    if result < 0:
        raise _error()
    return result


def _word(argument: int | ctypes.Array[ctypes.c_char] | bytes | None) -> object:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
