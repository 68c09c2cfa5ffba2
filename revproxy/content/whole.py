"""The readers' base for formats that are read whole: collects up to `structured_bytes`, then reads once.

Invariant: nothing is held beyond the limit; `read` is called exactly once, and not at all for a body of no bytes
(a client may declare a type and send nothing).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from revproxy.content.sink import Sink
from revproxy.errors import LimitError
from revproxy.model import ContentLimits


class Whole(ABC):
    """A BodyReader whose format is parsed in one piece."""

    __slots__ = ("_length", "_pieces", "limits", "sink")

    def __init__(self, limits: ContentLimits, sink: Sink) -> None:
        self.limits = limits
        self.sink = sink
        self._pieces: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> None:
        """Raises LimitError("structured_bytes")."""
        self._length += len(data)
        if self._length > self.limits.structured_bytes:
            self._pieces.clear()
            raise LimitError("structured_bytes", self.limits.structured_bytes)
        self._pieces.append(data)

    def finish(self) -> None:
        """Read what was collected."""
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = [data]
        if data:
            self.read(data)
        self._pieces.clear()

    def unread(self) -> bytes:
        """Everything, after an error: such a format is read in one piece or not at all."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data

    @abstractmethod
    def read(self, data: bytes) -> None:
        """Take the whole body apart. Raises ContentError and LimitError."""
