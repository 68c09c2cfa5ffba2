"""What becomes of tasks that nobody waits for, and of those that are given up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine
from typing import Any

from revproxy.errors import RevproxyError

_log = logging.getLogger("revproxy.supervisor")


async def logged(name: str, change: Coroutine[Any, Any, Any]) -> None:
    """A change that a signal asked for: whatever comes of it, it is said, and what serves goes on."""
    try:
        await change
    except RevproxyError as error:
        _log.error("%s failed, the old generation stays in force: %s", name, error)
    except Exception:  # noqa: BLE001 - a bug in preparing must not end what serves
        _log.exception("%s failed, the old generation stays in force", name)


async def cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Return when they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
