"""Small files on disk that are there whole or not at all, folders that nobody else can have written, and that one
process changes at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from revproxy.errors import ConfigError, Location, SupplyError

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def is_ours(found: os.stat_result) -> bool:
    """Whether nobody but us and root could have written it."""
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & _OTHERS_WRITE


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put a file there in one step, on disk before its name is. Raises OSError."""
    beside = path.parent / f".{secrets.token_hex(8)}"
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def link_whole(path: Path, target: str) -> None:
    """Let a symbolic link lead there from now on, in one step. Raises OSError."""
    beside = path.parent / f".{secrets.token_hex(8)}"
    os.symlink(target, beside)
    os.replace(beside, path)


@contextmanager
def alone(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock in this file, which stays. Raises SupplyError `busy` where another process does, ConfigError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", Location(str(path))) from None
    try:
        _lock(descriptor, busy)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, busy: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SupplyError("feed", busy) from None
