"""When what is in force was put together quickly, a process makes the same of one piece, which serves faster.

It asks for the swap over the control socket like an update does. Invariants: one at a time; it begins only when
nothing was put in force for a while, so many changes in a row cost this once; whatever becomes of it, what is in
force stays good.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from revproxy.runtime.aside import ran

_log = logging.getLogger("revproxy.mender")
QUIET_SECONDS: Final = 10.0
MOST_SECONDS: Final = 3600.0
"""It has bounds of its own; a process that is not done by then hangs."""


class Mender:
    """Starts `command` after something was put in force that is patched."""

    def __init__(self, command: Sequence[str], sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep) -> None:
        self._command, self._sleep = tuple(command), sleep
        self._task: asyncio.Task[None] | None = None
        self._patched = False

    async def in_force(self, patched: bool) -> None:
        """Something was put in force. A process that mends what was before is given up where there is more to mend;
        where there is not, it may be the one that has asked for this, and is left to end by itself."""
        self._patched = patched
        if patched and self._command:
            await self.close()
            self._task = asyncio.create_task(self._mend())

    async def resume(self) -> None:
        """After `close`: begin anew with what is in force."""
        await self.in_force(self._patched)

    async def close(self) -> None:
        """Nothing is started any more, and nothing that was is left."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _mend(self) -> None:
        await self._sleep(QUIET_SECONDS)
        try:
            code = await ran(self._command, MOST_SECONDS)
        except OSError as error:
            _log.error("rules cannot be linked anew: %s", error.strerror)
            return
        if code != 0:
            _log.warning("rules were not linked anew: those in force are good, and scanned more slowly")
