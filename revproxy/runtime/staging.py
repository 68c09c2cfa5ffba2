"""Rules in shadow beside those in force: which they are, what the workers' counts come to, and when that is enough.

    look (what is staged now?) -> prepare -> all workers judge by both -> count each second -> decided -> settle

What a decision does is done by a process that is started for it, and asks here what was decided (`told`); nothing is
put in force here. Invariants: counts belong to one pair of rule sets, and begin anew with another one; they are
forgotten with the supervisor, so that whatever ends it, the set that is staged is not in force; where something
breaks the set is held.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from revproxy.errors import RevproxyError
from revproxy.inspection.staging import Decision, Report, Word, decide, seconds_left
from revproxy.runtime.aside import ran
from revproxy.runtime.generation import Generation
from revproxy.runtime.parts import Plan, Staged
from revproxy.runtime.threads import in_thread
from revproxy.runtime.timer import MOST_SECONDS

_log = logging.getLogger("revproxy.staging")
SECONDS: Final = 1.0
"""Between two looks at the counts."""
AGAIN_SECONDS: Final = 10.0
"""Until a decision is carried out once more that could not be; each time it is longer, up to ..."""
MOST_AGAIN_SECONDS: Final = 3600.0


@dataclass(slots=True)
class _Stage:
    """One set in shadow."""

    name: str
    pair: tuple[str, str]
    """The rule sets, in force and staged."""
    began: float
    generation: Generation | None = None
    """Whose workers judge by both; None: nobody does (any more)."""
    reports: dict[int, Report] = field(default_factory=dict)
    """By worker, also of those that have ended."""
    fault: Report = field(default_factory=Report)
    """What broke here."""
    decision: Decision | None = None

    @property
    def report(self) -> Report:
        return sum(self.reports.values(), self.fault)


class Staging:
    """What is staged in one front end."""

    def __init__(
        self,
        plan: Plan,
        current: Callable[[], Generation | None],
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`current` tells which generation is in force."""
        self._plan, self._current, self._sleep, self._clock = plan, current, sleep, clock
        self._turn = asyncio.Lock()
        self._stage: _Stage | None = None
        self._watching: asyncio.Task[None] | None = None
        self._settling: asyncio.Task[None] | None = None

    async def stage(self) -> dict[str, Any]:
        """`look`, then as `staging`: what the control socket is asked after a change."""
        await self.look()
        return self.told()

    async def staging(self) -> dict[str, Any]:
        """What is staged, and what came of it so far."""
        return self.told()

    async def look(self) -> None:
        """Do as the feeds' folder says now; what is under way with the same two sets goes on."""
        async with self._turn:
            generation = self._current()
            if generation is None:
                return
            try:
                staged = await in_thread(lambda: self._plan.staged(generation.settings))
            except RevproxyError as error:
                _log.error("what is staged cannot be read; nothing is: %s", error)
                staged = None
            await (self._end() if staged is None else self._begin(staged, generation))

    async def _begin(self, staged: Staged, generation: Generation) -> None:
        try:
            prepared = await in_thread(staged.prepare)
            pair = (generation.ruleset_name, prepared.ruleset_name)
            stage = self._stage
            if stage is None or (stage.name, stage.pair) != (staged.name, pair):
                stage = _Stage(staged.name, pair, self._clock())
            elif stage.generation is generation and stage.decision is None:
                return
            if stage.decision is None:
                await self._end()
                await generation.stage(prepared)
                stage.generation = generation
                _log.info("%s is staged: rule set %s beside %s", staged.name, pair[1], pair[0])
            await _cancelled(self._watching)
        except RevproxyError as error:
            await self._end()
            fault = Report(failed=1, fault=f"it cannot be staged: {error}")
            stage = _Stage(staged.name, (generation.ruleset_name, ""), self._clock(), fault=fault)
        self._stage = stage
        self._watching = asyncio.create_task(self._watch(stage))

    async def _end(self) -> None:
        """Nothing is staged any more. What carries out a decision goes on: it may be what asked for this."""
        await _cancelled(self._watching)
        stage, self._stage = self._stage, None
        if stage is not None:
            await _unstage(stage)

    async def close(self) -> None:
        """Look at nothing any more; workers go on until they end."""
        await _cancelled(self._watching)
        await _cancelled(self._settling)

    async def _watch(self, stage: _Stage) -> None:
        while stage.decision is None:
            await self._sleep(SECONDS)
            await _count(stage)
            generation = self._current()
            if generation is not None:
                decision = decide(stage.report, self._clock() - stage.began, generation.settings.feeds.staging)
                if decision.word is not Word.GO_ON:
                    _log.info("%s: %s: %s", stage.name, decision.word, decision.why)
                    stage.decision = decision
        if stage.decision.word is Word.HOLD:
            await _unstage(stage)
        pause = AGAIN_SECONDS
        while True:
            if self._settling is None or self._settling.done():
                self._settling = asyncio.create_task(self._settle())
            await asyncio.shield(self._settling)
            # What it did ends this task; that goes on where it could do nothing.
            await self._sleep(pause)
            pause = min(MOST_AGAIN_SECONDS, pause * 2)

    async def _settle(self) -> None:
        try:
            code = await ran(self._plan.settle, MOST_SECONDS)
        except OSError as error:
            _log.error("what was decided cannot be carried out: %s", error.strerror)
            return
        if code != 0:
            _log.error("what was decided could not be carried out (%s)", "too slow" if code is None else code)

    def told(self) -> dict[str, Any]:
        """What there is to know, as plain JSON values; nothing where nothing is staged."""
        stage, generation = self._stage, self._current()
        if stage is None or generation is None:
            return {}
        bounds, report, seconds = generation.settings.feeds.staging, stage.report, self._clock() - stage.began
        return {
            "name": stage.name,
            "ruleset": stage.pair[0],
            "staged": stage.pair[1],
            "seconds": round(seconds, 1),
            "seconds_left": round(seconds_left(report, seconds, bounds), 1),
            "report": report.told(),
            "decision": stage.decision.word.value if stage.decision is not None else "",
            "why": (stage.decision or decide(report, seconds, bounds)).why,
        }


async def _count(stage: _Stage) -> None:
    """Ask the workers. What they cannot have said is said of none of them."""
    if stage.generation is None:
        return
    for pid, told in (await stage.generation.tell("staged")).items():
        if told is not None:
            with suppress(KeyError, TypeError, ValueError):
                stage.reports[pid] = Report.of(told)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _unstage(stage: _Stage) -> None:
    generation, stage.generation = stage.generation, None
    if generation is not None:
        await generation.unstage()
