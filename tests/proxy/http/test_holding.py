"""Bodies that are being taken apart count in one budget."""

from __future__ import annotations

import pytest

from revproxy.content.body import Kind
from revproxy.errors import LimitError
from revproxy.model import ContentLimits
from revproxy.net import Budget
from revproxy.proxy.http.holding import Holding


class Pieces:
    """A body in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.length: int | None = sum(map(len, pieces))
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


@pytest.mark.parametrize(
    ("kind", "raw", "held"),
    [
        (Kind.JSON, False, 3000),
        (Kind.RAW, False, 2000),
        (Kind.MULTIPART, False, 2000),
        (Kind.JSON, True, 5000),
        (Kind.NONE, True, 4000),
    ],
)
async def test_counts_what_a_reader_holds(kind: Kind, raw: bool, held: int) -> None:
    budget = Budget("memory_bytes", 10_000)
    limits = ContentLimits(window_bytes=1000, structured_bytes=3000)
    holding = Holding(Pieces(b"x" * 2500, b"y" * 2500), kind, raw, budget, limits)
    assert [len(await holding.read()) for _ in range(3)] == [2500, 2500, 0]
    assert budget.used == held
    holding.release()
    holding.release()
    assert budget.used == 0


async def test_no_room_is_a_limit() -> None:
    budget = Budget("memory_bytes", 1000)
    holding = Holding(Pieces(b"x" * 2000), Kind.JSON, False, budget, ContentLimits())
    with pytest.raises(LimitError):
        await holding.read()
    holding.release()
    assert budget.used == 0
