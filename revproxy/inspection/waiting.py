"""What `Inspection` does where an inspector waits for something: its coroutines, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from revproxy.inspection.verdict import Policy, decide
from revproxy.model import Phase, Transaction, Verdict

if TYPE_CHECKING:
    from revproxy.inspection.inspection import Inspection


async def decided(verdict: Verdict | Awaitable[Verdict]) -> Verdict:
    """The verdict, waited for where that takes any waiting."""
    return verdict if isinstance(verdict, Verdict) else await verdict


async def rest(
    inspection: Inspection,
    waiting: Awaitable[None],
    following: int,
    transaction: Transaction,
    first: Phase,
    last: Phase,
    policy: Policy,
    size: int,
    part: bool,
) -> Verdict:
    """The rest of `Inspection.start` from the first inspector on that waits; `following` is the one after it."""
    try:
        await asyncio.wait_for(waiting, inspection.seconds)
        for inspector in inspection.inspectors[following:]:
            more = inspector.inspect(transaction, first, last, size, part)
            if more is not None:
                await asyncio.wait_for(more, inspection.seconds)
    except Exception as error:  # noqa: BLE001 - as in `start`: fail closed
        return inspection.failed(transaction, error, policy)
    return decide(transaction, policy, last)
