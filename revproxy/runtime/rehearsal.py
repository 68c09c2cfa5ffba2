"""A start without a front end: a broker and one worker, locked in as in service, up to the moment before they accept.

What `check` cannot see by reading shows here: a module that cannot be imported, a sandbox that a library does not fit
in, a log that workers cannot open. Nothing is bound but, before an upgrade, what would be bound anew: for a moment.
"""

from __future__ import annotations

import os

from revproxy.runtime.generation import Generation
from revproxy.runtime.handover import bound_of
from revproxy.runtime.parts import Plan, Prepared
from revproxy.runtime.sockets import addresses, would_bind


async def rehearse(plan: Plan, prepared: Prepared) -> tuple[str, ...]:
    """What is missing of the sandbox. Raises WorkerFailed; before an upgrade ConfigError, too, for what could not be
    bound then: the supervisor that asks has what it has bound, and nobody else may have the rest."""
    held = bound_of(os.environ)
    if held is not None:
        would_bind(addresses(prepared.settings), held, plan.file)
    generation = Generation(0, prepared, {}, plan, lambda _child: None)
    try:
        await generation.start(only=1)
        return generation.missing
    finally:
        await generation.kill()
