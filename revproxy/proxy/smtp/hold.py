"""One message's share of the memory that a worker gives to bodies and messages."""

from __future__ import annotations

from revproxy.net import Budget


class Hold:
    """Some bytes of a budget. Give them back with `release`; a second call does nothing."""

    __slots__ = ("_bytes", "_memory")

    def __init__(self, memory: Budget) -> None:
        self._memory = memory
        self._bytes = 0

    def resize(self, size: int) -> bool:
        """Hold `size` bytes from now on; false, and nothing is changed, when there is no room for more."""
        more = size - self._bytes
        if more > 0 and not self._memory.take(more):
            return False
        if more < 0:
            self._memory.give(-more)
        self._bytes = size
        return True

    def release(self) -> None:
        """Give all of it back."""
        self.resize(0)
