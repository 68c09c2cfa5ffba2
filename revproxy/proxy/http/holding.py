"""Counting what a reader holds of a body: bytes of all bodies that are being taken apart have one budget."""

from __future__ import annotations

from revproxy.content.body import Kind, kind_of
from revproxy.model import ContentLimits
from revproxy.net import Budget
from revproxy.proxy.http.message import Body, Request

_IN_WINDOWS = frozenset({Kind.RAW, Kind.MULTIPART})
"""Read piece by piece: a reader holds two windows of these, whole bodies of the others."""


class Holding:
    """A body (`message.Body`) whose bytes are counted while they are held, until `release`."""

    __slots__ = ("_body", "_budget", "_held", "_most")

    def __init__(self, body: Body, request: Request, budget: Budget, limits: ContentLimits) -> None:
        kind = kind_of(request.get(b"content-type") or b"")
        self._body = body
        self._budget = budget
        self._most = 2 * limits.window_bytes if kind in _IN_WINDOWS else limits.structured_bytes
        self._held = 0

    @property
    def length(self) -> int | None:
        """See `message.Body`."""
        return self._body.length

    async def read(self) -> bytes:
        """See `message.Body`; LimitError("memory_bytes") too, when everybody together holds too much."""
        piece = await self._body.read()
        more = min(len(piece), self._most - self._held)
        if more > 0:
            self._budget.demand(more)
            self._held += more
        return piece

    def release(self) -> None:
        """The reader is done."""
        self._budget.give(self._held)
        self._held = 0
