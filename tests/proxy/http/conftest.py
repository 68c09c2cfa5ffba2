"""Makes `harness` importable for the tests of this room, and runs them on the loop that serves in earnest."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

sys.path.insert(0, str(Path(__file__).parent))

from harness import World, world


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[World]:
    """A front with shipped limits, one route that enforces, and the rules of `harness.RULES`."""
    async with world(folder=str(tmp_path)) as made:
        yield made
