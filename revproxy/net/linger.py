"""Closing after an early answer, so that the answer arrives (RFC 9112 9.6)."""

from __future__ import annotations

import asyncio

from revproxy.errors import PeerError
from revproxy.net.stream import Stream


async def linger(stream: Stream, timeout: float, most: int) -> None:
    """End our side, then read and throw away until the peer ends, at most `timeout` seconds and `most` bytes; close.

    Without it a reset, provoked by bytes that nobody reads, could overtake the answer. Over TLS, which cannot
    half-close, it only reads.
    """
    if stream.closing:
        return
    clock = asyncio.get_running_loop().time
    until = clock() + timeout
    try:
        if stream.tls is None and stream.transport.can_write_eof():
            stream.transport.write_eof()
        while most > 0:
            data = await stream.read_some(max(until - clock(), 0.0), most)
            if not data:
                break
            most -= len(data)
    except PeerError:
        pass
    finally:
        stream.close()
