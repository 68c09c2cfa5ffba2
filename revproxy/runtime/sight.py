"""What there is to see of the generations, as plain JSON values for `revproxy status` and /status, and in the log."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Any

from revproxy.runtime.child import Child
from revproxy.runtime.generation import Generation

_log = logging.getLogger("revproxy.supervisor")


def tell_sandbox(generation: Generation) -> None:
    """Say in the log what the first generation does without."""
    if not generation.settings.sandbox:
        _log.warning("sandbox: off; workers may do whatever this user may")
        return
    for what in generation.missing:
        _log.warning("sandbox: missing on this machine: %s", what)
    if os.getuid() != 0:
        _log.info("sandbox: not started as root, so workers and broker keep uid %d", os.getuid())


async def describe(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Every generation with its workers and what each of them says of itself (None: it did not answer in time)."""
    told = await asyncio.gather(*(generation.tell("status") for generation in generations))
    return [_generation(generation, answers) for generation, answers in zip(generations, told, strict=True)]


def _generation(generation: Generation, answers: dict[int, Any]) -> dict[str, Any]:
    return {
        "number": generation.number,
        "ruleset": generation.ruleset_name,
        "sets": generation.sets,
        "sandbox": _sandbox(generation),
        "restarts": generation.restarts,
        "broker": _broker(generation),
        "workers": [_worker(child, answers.get(child.pid)) for child in generation.children],
    }


def _sandbox(generation: Generation) -> dict[str, Any]:
    """What this machine lacks of it is missing from all workers and the broker alike."""
    return {"on": generation.settings.sandbox, "missing": list(generation.missing)}


def _broker(generation: Generation) -> dict[str, Any] | None:
    egress = generation.egress
    return {"pid": egress.pid, "restarts": egress.restarts} if egress is not None else None


def _worker(child: Child, status: Any) -> dict[str, Any]:
    return {
        "index": child.index,
        "pid": child.pid,
        "accepting": child.accepting,
        "age_seconds": round(child.age, 1),
        "status": status,
    }
