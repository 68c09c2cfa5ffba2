"""Where compiled databases are kept: a folder between starts, a dict on the way to the workers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class FolderStore:
    """A file for each database, its key as the name. A folder that cannot be written only costs time."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> bytes | None:
        """What was kept under this key, or None."""
        try:
            return (self._folder / key).read_bytes()
        except OSError:
            return None

    def put(self, key: str, data: bytes) -> None:
        """Keep it, whole or not at all: written beside and renamed."""
        with suppress(OSError), tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            file.write(data)
            file.close()
            os.replace(file.name, self._folder / key)


class HeldStore:
    """Databases that were compiled by another process and came along."""

    def __init__(self, databases: Mapping[str, bytes]) -> None:
        self._databases = dict(databases)

    def get(self, key: str) -> bytes | None:
        """The database of that key."""
        return self._databases.get(key)

    def put(self, key: str, data: bytes) -> None:
        """Keep it for this process."""
        self._databases[key] = data
