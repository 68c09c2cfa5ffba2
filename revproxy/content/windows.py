"""A long content cut into overlapping windows, in bounded memory, and the reader of bodies of unknown types.

Invariants: the windows depend on the bytes alone, not on how they were split into `feed` calls; every byte stands
in a window; consecutive windows share `window_overlap_bytes`; at most one window and one copy of it is held.
"""

from __future__ import annotations

from typing import Protocol

from revproxy.model import ContentLimits


class Taker(Protocol):
    """Takes windows: a sink, for one."""

    def window(self, name: bytes, data: bytes) -> None:
        """See `content.sink.Sink`."""


class Windows:
    """Hands the content called `name` to `sink.window`."""

    __slots__ = ("_fresh", "_held", "_name", "_sink", "_size", "_step")

    def __init__(self, name: bytes, limits: ContentLimits, sink: Taker) -> None:
        self._name = name
        self._sink = sink
        self._size = limits.window_bytes
        self._step = max(1, limits.window_bytes - limits.window_overlap_bytes)
        self._held = bytearray()
        self._fresh = 0

    def feed(self, data: bytes) -> None:
        """Take more content."""
        at, end = 0, len(data)
        while at < end:
            room = self._size - len(self._held)
            piece = data[at : at + room]
            self._held += piece
            self._fresh += len(piece)
            at += room
            if len(self._held) == self._size:
                self._sink.window(self._name, bytes(self._held))
                del self._held[: self._step]
                self._fresh = 0

    def finish(self) -> None:
        """Hand over what no window has shown yet."""
        if self._fresh:
            self._sink.window(self._name, bytes(self._held))
            self._fresh = 0
        self._held.clear()
