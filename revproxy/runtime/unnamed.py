"""Files without a name: what is large goes so from the supervisor to a process that it starts.

Written once, whoever reads it and how often; nobody waits for the other side meanwhile. A file is sealed before its
descriptor goes anywhere: what one process is given, another one cannot change.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
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


def read_parts(number: int, sizes: Iterable[int]) -> list[bytes]:
    """Parts of a file from its beginning, one behind the other; closes it.

    Others may read the same open file, so its position is left alone. Raises PeerClosed for a file that is too short,
    OSError.
    """
    parts: list[bytes] = []
    at = 0
    with os.fdopen(number, "rb"):
        for size in sizes:
            parts.append(os.pread(number, size, at))
            at += size
            if len(parts[-1]) != size:
                raise PeerClosed("a file from the supervisor is too short")
    return parts
