"""The rule engine as an inspector: on the loop for what is small, in a thread of its own for what is not.

A scan of a large or hostile value can take tens of milliseconds; the loop is never held for so long. Hyperscan
gives the interpreter lock back while it scans, so the thread really runs beside the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from revproxy.detection.engine import Engine, Loaded, Shared
from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.watching import Watch
from revproxy.detection.link import RuleSet
from revproxy.inspection.aside import aside
from revproxy.model import Phase, Transaction

ON_LOOP_BYTES: Final = 12 * 1024
"""Transactions with more bytes than this to scan go to the thread: hostile bytes cost up to 1.1 us each, and to hand
over costs some 80 us."""


class RuleInspector:
    """Runs one rule set. A new rule set is a new inspector: transactions under way keep the old one."""

    name = "rules"

    def __init__(
        self,
        rules: RuleSet,
        memory_bytes: int,
        loaded: Loaded | None = None,
        thread: ThreadPoolExecutor | None = None,
        watch: Watch | None = None,
    ) -> None:
        """`loaded` are the databases of the rules, where they do not carry them; `thread` is one thread for all
        inspectors of a worker, else this one has its own. `watch` is told which rules match, and on what."""
        self.set_name = rules.name
        self._engine = Engine(rules, memory_bytes, Shared(rules, loaded, Program if watch is None else watch.program))
        # An engine has scratch memory of its own and serves one thread.
        self._twin = self._engine.twin()
        self._aside = thread or aside(1, "inspection")

    @property
    def loaded(self) -> Loaded:
        """Its databases, for rules that follow."""
        return self._engine.shared.loaded

    def parts(self) -> list[object]:
        """What it is made of (`Engine.parts`)."""
        return [*self._engine.parts(), *self._twin.parts()]

    def inspect(
        self, transaction: Transaction, first: Phase, last: Phase, size: int, part: bool = False
    ) -> Awaitable[None] | None:
        """Inspect here and now, or give back what to wait for."""
        if size <= ON_LOOP_BYTES:
            self._engine.inspect(transaction, first, last, part)
            return None
        inspect = self._twin.inspect
        return asyncio.get_running_loop().run_in_executor(self._aside, inspect, transaction, first, last, part)

    def close(self) -> None:
        """Let the thread end once its work is done."""
        self._aside.shutdown(wait=False)
