"""A process beside the supervisor, waited for to its end: what takes long, or may fail in any way, is done by one.

It has a session of its own, so that whatever it started ends with it. When and why one is started is `timer`'s and
`mender`'s matter.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress


async def ran(command: Sequence[str], most_seconds: float) -> int | None:
    """Its exit code; None where it was not done by then, and ended. Ended as well when this is cancelled.

    Raises OSError where it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        async with asyncio.timeout(most_seconds):
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
