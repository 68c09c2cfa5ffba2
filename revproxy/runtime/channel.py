"""Frames between the supervisor and one worker: four bytes of length, big endian, then the payload.

The first frame to a worker is a pickle (`parts.Hello`), and so is the one behind a `load`; pieces (`parts.Prepared`)
are bytes as they are, in the order in which the message before them names them. Every other frame, both ways, is a
JSON object. A worker is the side that hostile bytes reach, so nothing that comes from one is ever unpickled.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterable
from typing import Any

from revproxy.errors import LimitError, PeerClosed

MOST_JSON = 16 * 1024 * 1024
"""Bytes of a JSON frame; metrics of a worker are some tens of kilobytes."""
MOST_HELLO = 1024 * 1024 * 1024
"""Bytes of settings and rules, or of one piece."""
_LENGTH = 4


def frame(payload: bytes) -> bytes:
    """The payload with its length in front."""
    return length_of(payload) + payload


def length_of(payload: bytes) -> bytes:
    """What stands in front of the payload."""
    return len(payload).to_bytes(_LENGTH, "big")


def encode(message: dict[str, Any]) -> bytes:
    """One JSON frame."""
    return frame(json.dumps(message, separators=(",", ":")).encode())


async def read_frame(reader: asyncio.StreamReader, most: int = MOST_JSON) -> bytes:
    """One payload. Raises PeerClosed at the end of the stream, LimitError over `most`."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        if length > most:
            raise LimitError("channel frame bytes", most)
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise PeerClosed("the control channel closed") from error


def receive_frame(sock: socket.socket, most: int = MOST_JSON) -> bytes:
    """The first payload on a blocking socket, before there is a loop. Raises what `read_frame` raises."""
    length = int.from_bytes(_received(sock, _LENGTH), "big")
    if length > most:
        raise LimitError("channel frame bytes", most)
    return _received(sock, length)


def _received(sock: socket.socket, count: int) -> bytes:
    data = bytearray(count)
    at = 0
    while at < count:
        got = sock.recv_into(memoryview(data)[at:])
        if not got:
            raise PeerClosed("the control channel closed")
        at += got
    return bytes(data)


async def read_pieces(reader: asyncio.StreamReader, names: Iterable[str]) -> dict[str, bytes]:
    """The frames of pieces, in that order. Raises what `read_frame` raises."""
    return {name: await read_frame(reader, MOST_HELLO) for name in names}


async def read_message(reader: asyncio.StreamReader) -> dict[str, Any]:
    """One JSON object. Raises PeerClosed also for a frame that is no JSON object: the other side is broken."""
    payload = await read_frame(reader)
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PeerClosed("the control channel carries no JSON") from error
    if not isinstance(message, dict):
        raise PeerClosed("the control channel carries no JSON object")
    return message
