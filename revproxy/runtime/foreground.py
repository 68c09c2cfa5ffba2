"""`revproxy run`, from the first check to the exit code: nothing is bound before all that can fail was checked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from revproxy.errors import LocatedError, ManyErrors, RevproxyError
from revproxy.runtime import control
from revproxy.runtime.activation import given
from revproxy.runtime.allocator import settle
from revproxy.runtime.handover import Handover
from revproxy.runtime.legacy import Estate, claim
from revproxy.runtime.manager import Manager
from revproxy.runtime.messages import configure
from revproxy.runtime.parts import Plan, Prepared
from revproxy.runtime.succession import succeed
from revproxy.runtime.supervisor import Supervisor


def _prepare(plan: Plan) -> Prepared:
    """Everything that can fail before something is bound. Before the loop: a signal simply ends it.

    By a handler, for process 1 of a container: signals that it does not handle are not even sent to it.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    prepared = plan.prepare()
    control.check(prepared.settings.control, plan.file)
    configure(prepared.settings.logs.level, "supervisor")
    return prepared


def _left(path: str) -> Estate | None:
    """What a supervisor that was killed has left. One that serves leaves nothing, and is told of when we bind."""
    return None if control.answered(path) else claim(path)


async def _watched(serve: Callable[[Manager], Awaitable[None]]) -> None:
    """Serve, and tell the service manager that the loop turns."""
    manager = Manager()
    watching = asyncio.ensure_future(manager.watch())
    try:
        await serve(manager)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        manager.close()


def supervise(plan: Plan) -> int:
    """Run in the foreground until told to stop; returns the exit code.

    0 after a drain and when told to stop before it served, 1 when the workers cannot start, 2 when something that a
    person wrote is wrong (said on stderr, nothing bound).
    """
    settle()
    try:
        if (handover := Handover.take(os.environ)) is not None:
            asyncio.run(_watched(lambda manager: succeed(plan, handover, manager)))
            return 0
        sockets = given()
        prepared = _prepare(plan)
        left = _left(prepared.settings.control.path)

        async def serve(manager: Manager) -> None:
            supervisor = Supervisor(plan, manager)
            supervisor.take(sockets, prepared.settings)
            await supervisor.run(prepared, left)

        asyncio.run(_watched(serve))
    except asyncio.CancelledError:
        return 0
    except (LocatedError, ManyErrors) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (RevproxyError, OSError) as error:
        sys.stderr.write(f"revproxy: {error}\n")
        return 1
    return 0
