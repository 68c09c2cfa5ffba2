"""A folder of files that nobody but us can have written: what is kept between starts.

What is read here decides what is let through, so a folder or a file that another user could have written, or that is
not what it seems to be (a link, a device), is taken for one that is not there. That costs time and is said once in
the log; nothing here ever raises. Files are whole or not there at all. When all of them together become too large,
those that were not used for longest are removed.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from revproxy.updates.files import is_ours

_log = logging.getLogger("revproxy.cache")
MOST_BYTES = 1024 * 1024 * 1024
"""What the files of a folder may take together: some twenty rule sets as large as OWASP CRS."""
MOST_FILE = 256 * 1024 * 1024
"""Bytes of one file that is read."""
_LEFT_BEHIND = 3600.0
"""Seconds after which a file that was being written belongs to nobody any more."""


class Folder:
    """One folder; made, for us alone, when something is first written."""

    def __init__(self, path: str, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most = most_bytes
        self._told = False

    def read(self, name: str) -> bytes | None:
        """The contents of a file, or None. What is read counts as used."""
        with suppress(OSError), self._opened() as folder:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_FILE or not self._ours(found, name):
                    return None
                data = file.read(MOST_FILE)
                os.utime(descriptor, ns=(time.time_ns(), found.st_mtime_ns))
                return data
        return None

    def write(self, name: str, data: bytes) -> None:
        """Keep it: written beside, then renamed."""
        with suppress(OSError):
            os.makedirs(self._path, mode=0o700, exist_ok=True)
            with self._opened() as folder:
                beside = f".{secrets.token_hex(16)}"
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                try:
                    with os.fdopen(os.open(beside, flags, 0o600, dir_fd=folder), "wb") as file:
                        file.write(data)
                    os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
                except OSError:
                    os.unlink(beside, dir_fd=folder)
                    raise
                self._make_room(folder, name)

    def names(self, prefix: str) -> list[str]:
        """The names of files that begin so, those used last first."""
        with suppress(OSError), self._opened() as folder:
            found = [(entry.stat(follow_symlinks=False).st_atime_ns, entry.name) for entry in _entries(folder)]
            return [name for _, name in sorted(found, reverse=True) if name.startswith(prefix)]
        return []

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The folder's descriptor. Raises OSError, also for a folder that is not to be trusted."""
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not self._ours(os.fstat(folder), self._path):
                raise PermissionError(self._path)
            yield folder
        finally:
            os.close(folder)

    def _ours(self, found: os.stat_result, name: str) -> bool:
        """Whether nobody but us and root could have written it."""
        if is_ours(found):
            return True
        if not self._told:
            _log.warning("%s: not used, for other users may write %s", self._path, name)
            self._told = True
        return False

    def _make_room(self, folder: int, kept: str) -> None:
        """Remove what was not used for longest, and what was never finished."""
        files = [(entry.name, entry.stat(follow_symlinks=False)) for entry in _entries(folder)]
        total = sum(found.st_size for _, found in files)
        long_ago = time.time() - _LEFT_BEHIND
        for name, found in sorted(files, key=lambda file: file[1].st_atime_ns):
            unfinished = name.startswith(".")
            if (unfinished and found.st_mtime < long_ago) or (total > self._most and not unfinished and name != kept):
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)
                    total -= found.st_size


def _entries(folder: int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if entry.is_file(follow_symlinks=False)]
