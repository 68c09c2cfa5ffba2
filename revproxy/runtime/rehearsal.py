"""A start without a front end: a broker and one worker, locked in as in service, up to the moment before they accept.

What `check` cannot see by reading shows here: a module that cannot be imported, a sandbox that a library does not fit
in, a log that workers cannot open. Nothing is bound.
"""

from __future__ import annotations

from revproxy.runtime.generation import Generation
from revproxy.runtime.parts import Plan, Prepared


async def rehearse(plan: Plan, prepared: Prepared) -> tuple[str, ...]:
    """What is missing of the sandbox. Raises WorkerFailed."""
    generation = Generation(0, prepared, {}, plan, lambda _child: None)
    try:
        await generation.start(only=1)
        return generation.missing
    finally:
        await generation.kill()
