"""Where compiled databases are kept: a folder between starts."""

from __future__ import annotations

from revproxy.app.folder import Folder


class FolderStore:
    """A file for each database, its key as the name. A folder that cannot be written only costs time."""

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder)

    def get(self, key: str) -> bytes | None:
        """What was kept under this key, or None."""
        return self._folder.read(key)

    def put(self, key: str, data: bytes) -> None:
        """Keep it."""
        self._folder.write(key, data)
