"""Files without a name: what is large goes so from the supervisor to a process that it starts.

Written once, whoever reads it and how often; nobody waits for the other side meanwhile. A file is sealed before its
descriptor goes anywhere: what one process is given, another one cannot change.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl

from revproxy.errors import PeerClosed

_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE


@contextmanager
def as_file(parts: Iterable[bytes]) -> Iterator[int]:
    """The descriptor of a file with these bytes, at its beginning; closed at the end. Raises OSError."""
    with os.fdopen(os.memfd_create("revproxy", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "wb") as file:
        file.writelines(parts)
        file.seek(0)
        fcntl(file, F_ADD_SEALS, _SEALS)
        yield file.fileno()


class Stored(MutableMapping[str, bytes]):
    """Parts of such a file by name. Each is read when it is asked for: whoever takes them out, one after the other,
    never has all of them. The file is closed when none is left."""

    def __init__(self, number: int, sizes: Iterable[tuple[str, int]]) -> None:
        """Names and lengths of the parts, which stand one behind the other from its beginning; `number` is owned
        from now on. Raises PeerClosed for a file that is too short, OSError."""
        self._file = os.fdopen(number, "rb", buffering=0)
        self._parts: dict[str, tuple[int, int] | bytes] = {}
        end = 0
        for name, size in sizes:
            self._parts[name] = (size, end)
            end += size
        if os.fstat(number).st_size < end:
            self._file.close()
            raise PeerClosed("a file from the supervisor is too short")

    def __getitem__(self, name: str) -> bytes:
        part = self._parts[name]
        # Others may read the same open file: its position is left alone.
        return part if isinstance(part, bytes) else os.pread(self._file.fileno(), *part)

    def __setitem__(self, name: str, part: bytes) -> None:
        self._parts[name] = part

    def __delitem__(self, name: str) -> None:
        del self._parts[name]
        if not self._parts:
            self._file.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
