"""When to look for newer signatures: a process is started now and then, and does all of it.

It asks for the swap over the control socket like anybody else. Invariants: one at a time; it has a session of its
own, so that whatever it started ends with it; one that takes too long is ended; what comes of it is in its messages.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from revproxy.config.settings import Feeds
from revproxy.runtime.aside import ran

_log = logging.getLogger("revproxy.timer")
MOST_SECONDS: Final = 3600.0
"""An update of all feeds that is not done by then hangs; each of its steps has a limit of its own."""


class Timer:
    """Starts `command` at the times that a configuration wants."""

    def __init__(
        self,
        command: Sequence[str],
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        up_to: Callable[[float], float] = lambda most: random.uniform(0.0, most),
    ) -> None:
        """`up_to` chooses a delay up to so many seconds."""
        self._command, self._sleep, self._up_to = tuple(command), sleep, up_to
        self._feeds: Feeds | None = None
        self._task: asyncio.Task[None] | None = None

    async def set(self, feeds: Feeds) -> None:
        """Keep to this from now on. Where it says something new, an update that is under way is given up."""
        if feeds == self._feeds:
            return
        await self.close()
        self._feeds = feeds
        if feeds.every and self._command:
            self._task = asyncio.create_task(self._run(feeds))

    async def close(self) -> None:
        """Nothing is started any more, and nothing that was is left."""
        task, self._task, self._feeds = self._task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, feeds: Feeds) -> None:
        # The first look soon: a front end that was off for long has old signatures.
        await self._sleep(self._up_to(feeds.jitter))
        while True:
            try:
                await self._look()
            except OSError as error:
                _log.error("no update could be started: %s", error.strerror)
            await self._sleep(feeds.every + self._up_to(feeds.jitter))

    async def _look(self) -> None:
        code = await ran(self._command, MOST_SECONDS)
        if code is None:
            _log.error("an update was not done after %g s; ended", MOST_SECONDS)
        elif code:
            _log.warning("an update ended with %d: what was in force still is", code)
