"""Metrics of all workers, those that have ended too: totals never go backwards.

A worker that ends leaves its last counters here; its gauges go with it. What a killed worker counted after its last
snapshot (five seconds at most) is lost, but nothing that was ever shown is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from revproxy.audit.metrics import merge
from revproxy.errors import RevproxyError
from revproxy.runtime.child import Child

_log = logging.getLogger("revproxy.tally")


class Tally:
    """The sum of what ended workers counted, and how to add the living ones."""

    def __init__(self) -> None:
        self._base = merge([])

    def settle(self, child: Child) -> None:
        """Take over the last counters of a worker that has ended. Its list of children lets go of it just then."""
        if child.snapshot is not None:
            self._base = merge([self._base, {**child.snapshot, "gauges": {}}])
            child.snapshot = None

    async def collect(self, children: Iterable[Child], timeout: float) -> dict[str, Any]:
        """Ask all at once; of one that does not answer in time the last counters are taken.

        One that ends meanwhile is either settled or still has its snapshot: it counts exactly once.
        """
        everyone = list(children)
        await asyncio.gather(*(_refresh(child, timeout) for child in everyone if not child.ended.done()))
        return merge([self._base, *(child.snapshot for child in everyone if child.snapshot is not None)])


async def _refresh(child: Child, timeout: float) -> None:
    try:
        await child.ask("metrics", timeout)
    except RevproxyError as error:
        _log.warning("no metrics: %s", error)
