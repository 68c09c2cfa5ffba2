"""The first moments of a supervisor that an exec has made of another one (`handover`).

Whatever fails here fails beside workers that serve: the program, as it is installed then, is tried again by and by,
and they go on meanwhile. Told to stop before it serves, it has them drain.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Final

from revproxy import __version__
from revproxy.errors import RevproxyError
from revproxy.runtime.handover import HEARD, Adopted, Handover, become, hear
from revproxy.runtime.legacy import Bell, claim
from revproxy.runtime.manager import Manager
from revproxy.runtime.messages import configure
from revproxy.runtime.parts import Plan
from revproxy.runtime.supervisor import Supervisor
from revproxy.runtime.threads import in_thread

_log = logging.getLogger("revproxy.supervisor")
_MOST_PAUSE: Final = 60.0


async def succeed(plan: Plan, handover: Handover, manager: Manager) -> None:
    """Serve in place of the version that was here, until told to stop. Raises what `Supervisor.run` raises, once it
    has served; cancelled when it is told to stop before."""
    # What the configuration says is known later.
    configure("info", "supervisor")
    adopted = Adopted(handover.children)
    supervisor = Supervisor(plan, manager, adopted)
    again = asyncio.Event()
    _handle_signals(again)
    try:
        await _serve(plan, handover, supervisor, adopted)
    except (RevproxyError, OSError) as error:
        if supervisor.served:
            raise
        _log.error("the installed version cannot start, workers of before serve on: %s", error)
        handover.answer({"ok": False, "error": f"{error}", "kind": type(error).__name__})
        manager.ready("the installed version cannot start; workers of before serve")
        await _try_again(plan, handover.again(), manager, again)
    finally:
        if not supervisor.served:
            Bell(handover.bell).ring()
        await adopted.end(handover.seconds + plan.timing.grace)


def _handle_signals(again: asyncio.Event) -> None:
    """Until the supervisor does so itself. Who asks for a change asks for another try."""
    loop, life = asyncio.get_running_loop(), asyncio.current_task()
    assert life is not None
    for number in HEARD:
        stops = number in (signal.SIGTERM, signal.SIGINT)
        loop.add_signal_handler(number, life.cancel if stops else again.set)
    hear()


async def _serve(plan: Plan, handover: Handover, supervisor: Supervisor, adopted: Adopted) -> None:
    prepared = await in_thread(plan.prepare)
    configure(prepared.settings.logs.level, "supervisor")
    path = prepared.settings.control.path
    ends: list[asyncio.Task[None]] = []

    def begun() -> None:
        _log.warning("version %s serves; workers of before drain", __version__)
        handover.answer({"ok": True, "result": {"version": __version__, "ruleset": prepared.ruleset_name}})
        handover.close()
        ends.append(asyncio.create_task(adopted.end(handover.seconds + plan.timing.grace)))

    await supervisor.run(prepared, handover.estate(await in_thread(lambda: claim(path))), begun)
    await asyncio.gather(*ends)


async def _try_again(plan: Plan, handover: Handover, manager: Manager, again: asyncio.Event) -> None:
    """After a pause, for as long as it takes."""
    while True:
        pause = min(_MOST_PAUSE, 2.0**handover.tries)
        _log.info("the installed version is tried again in %g s", pause)
        try:
            async with asyncio.timeout(pause):
                await again.wait()
        except TimeoutError:
            pass
        again.clear()
        try:
            become(plan.program, {**os.environ, **manager.variables}, handover)
        except OSError as error:
            _log.error("the program cannot be started: %s", error)
        handover = handover.again()
