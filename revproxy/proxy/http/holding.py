"""Counting what a reader holds of a body: bytes of all bodies that are being taken apart have one budget."""

from __future__ import annotations

from revproxy.content.body import Kind
from revproxy.model import ContentLimits
from revproxy.net import Budget
from revproxy.proxy.http.message import Pieces

_IN_WINDOWS = frozenset({Kind.RAW, Kind.NONE, Kind.MULTIPART})
"""Read piece by piece: a reader holds two windows of these, whole bodies of the others."""


class Holding:
    """A body (`message.Pieces`) whose bytes are counted while they are held, until `release`."""

    __slots__ = ("_body", "_budget", "_held", "_most", "_raw", "_size")

    def __init__(self, body: Pieces, kind: Kind, raw: bool, budget: Budget, limits: ContentLimits) -> None:
        """`raw`: windows of the body as it is are held too."""
        self._body = body
        self._budget = budget
        self._most = 2 * limits.window_bytes if kind in _IN_WINDOWS else limits.structured_bytes
        self._raw = 2 * limits.window_bytes if raw else 0
        self._size = 0
        self._held = 0

    async def read(self) -> bytes:
        """See `message.Pieces`; LimitError("memory_bytes") too, when everybody together holds too much."""
        piece = await self._body.read()
        self._size += len(piece)
        more = min(self._size, self._most) + min(self._size, self._raw) - self._held
        if more > 0:
            self._budget.demand(more)
            self._held += more
        return piece

    def release(self) -> None:
        """The reader is done."""
        self._budget.give(self._held)
        self._held = 0
