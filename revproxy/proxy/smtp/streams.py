"""The private names of asyncio's streams that a server needs, in one place (CPython 3.11 to 3.14 have them).

asyncio has no public way to put bytes back, to throw read-ahead away, or to give a server's streams the transport
of a TLS upgrade.
"""

from __future__ import annotations

import asyncio
from typing import Any


def buffered(reader: Any) -> int:
    """Bytes that were read ahead."""
    return len(reader._buffer)


def put_back(reader: Any, data: bytes) -> None:
    """Read these first."""
    if data:
        reader._buffer[:0] = data


def discard(reader: Any) -> None:
    """Forget what was read ahead."""
    reader._buffer.clear()


def upgraded(protocol: Any, transport: asyncio.Transport) -> None:
    """The protocol and both its streams go on over `transport`, which reads."""
    protocol.transport = protocol._transport = transport
    protocol._reader._transport = protocol._writer._transport = transport
    protocol._reader._paused = False
    protocol._over_ssl = True
