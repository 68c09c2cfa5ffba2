"""What the bytes that a buffer holds tell of it: whether it is calm, and what items need of it that is there.

One pass of C over the buffer takes the bytes that it holds out of all that tell something. What is left is nearly
always the same, and what follows from that is remembered. Scanning does not belong here.
"""

from __future__ import annotations

from collections.abc import Sequence

ENTRIES = 8192
"""Most sets of bytes of which it is remembered what follows; beyond, it begins anew."""


class Contents:
    """`calm`: there are nothing but calm bytes. `met`: what items may need (bits, `chains`) as far as it is there."""

    __slots__ = ("calm", "met")

    def __init__(self, calm: bool, met: int) -> None:
        self.calm = calm
        self.met = met


class Telling:
    """What buffers of one group hold."""

    __slots__ = ("_ascii", "_every")

    def __init__(self, met_by: Sequence[int], calm_bytes: bytes) -> None:
        """`met_by`: the bits of what is met by each byte. Without calm bytes nothing is calm."""
        self._ascii = _Half(met_by, calm_bytes, 128)
        """For nearly all buffers: half of the bytes need not be asked for."""
        self._every = _Half(met_by, calm_bytes, 256)

    def of(self, data: bytes) -> Contents:
        """What these bytes tell."""
        return self._ascii.of(data) if data.isascii() else self._every.of(data)


class _Half:
    """For buffers of bytes below `limit`."""

    __slots__ = ("_calm", "_known", "_met_by", "_telling")

    def __init__(self, met_by: Sequence[int], calm_bytes: bytes, limit: int) -> None:
        self._met_by = list(met_by)
        self._calm = calm_bytes
        self._telling = bytes(
            byte for byte in range(limit) if met_by[byte] or (calm_bytes and byte not in calm_bytes)
        )
        self._known: dict[bytes, Contents] = {}

    def of(self, data: bytes) -> Contents:
        absent = self._telling.translate(None, data)
        found = self._known.get(absent)
        if found is None:
            if len(self._known) >= ENTRIES:
                self._known.clear()
            found = self._known[absent] = self._worked_out(absent)
        return found

    def _worked_out(self, absent: bytes) -> Contents:
        there = self._telling.translate(None, absent)
        met = 0
        for byte in there:
            met |= self._met_by[byte]
        return Contents(bool(self._calm) and not there.translate(None, self._calm), met)
