"""Small files on disk that are there whole or not at all, folders that nobody else can have written, and that one
process changes at a time."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from revproxy.errors import BusyError, ConfigError, Location

_UNFINISHED = re.compile(r"\.[0-9a-f]{16}", re.ASCII)
"""The names of `_beside`."""
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def is_ours(found: os.stat_result) -> bool:
    """Whether nobody but us and root could have written it."""
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & _OTHERS_WRITE


@dataclass(frozen=True, slots=True)
class File:
    """Something to write. `mode` is that of a new file, before the umask."""

    path: Path
    data: bytes = field(repr=False)
    mode: int = 0o600


def _beside(path: Path) -> Path:
    return path.parent / f".{secrets.token_hex(8)}"


def clear_unfinished(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left in a folder.

    For whoever knows that nobody writes there now. Raises OSError.
    """
    for path in folder.glob(".*"):
        if _UNFINISHED.fullmatch(path.name):
            path.unlink()


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put a file there in one step, on disk before its name is. Raises OSError."""
    write_all([File(path, data, mode)])


def write_all(files: Sequence[File]) -> None:
    """Put files there in this order, all of them on disk before the first has its name.

    Raises OSError with the file's name; nothing is left then of what did not get there.
    """
    besides = [_beside(file.path) for file in files]
    try:
        for file, beside in zip(files, besides, strict=True):
            _write(beside, file)
        for file, beside in zip(files, besides, strict=True):
            os.replace(beside, file.path)
    finally:
        for beside in besides:
            with suppress(OSError):
                beside.unlink()


def _write(beside: Path, file: File) -> None:
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(beside, flags, file.mode), "wb") as opened:
            opened.write(file.data)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file.path)) from None


def link_whole(path: Path, target: str) -> None:
    """Let a symbolic link lead there from now on, in one step. Raises OSError."""
    beside = _beside(path)
    os.symlink(target, beside)
    os.replace(beside, path)


@contextmanager
def alone(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock in this file, which stays. Raises BusyError `busy` where another process does, ConfigError."""
    try:
        descriptor = taken(path, busy)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", Location(str(path))) from None
    try:
        yield
    finally:
        os.close(descriptor)


def taken(path: Path, busy: str, wait: bool = False) -> int:
    """A descriptor that holds the lock in this file until it is closed. Raises OSError, and BusyError `busy` where
    another process holds it; with `wait` it is waited for instead, however long that takes."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise BusyError("feed", busy) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
