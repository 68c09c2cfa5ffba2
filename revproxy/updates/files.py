"""Small files on disk that are there whole or not at all, and folders that nobody else can have written."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

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
