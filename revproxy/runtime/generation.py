"""A set of workers that were prepared alike: started together, kept at their number, drained together.

States in order: made -> `begin` -> `ready` (none accepts) -> `go` (all accept; from here the dead are replaced) ->
`drain` or `kill` (nobody is replaced any more) -> over. A worker leaves `children` in the same step in which its
counters are settled.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from revproxy.config.settings import Settings
from revproxy.errors import RevproxyError
from revproxy.runtime import channel
from revproxy.runtime.child import Child, WorkerFailed, cause
from revproxy.runtime.egress import Egress, errand_of
from revproxy.runtime.hands import Hands
from revproxy.runtime.legacy import Open
from revproxy.runtime.parcel import Parcel
from revproxy.runtime.parts import Hello, Plan, Prepared, Timing

_log = logging.getLogger("revproxy.generation")


class Generation:
    """Workers of one `Prepared`. `settle` is called once with each that has ended."""

    def __init__(
        self,
        number: int,
        prepared: Prepared,
        sockets: Mapping[str, socket.socket],
        plan: Plan,
        settle: Callable[[Child], None],
        before: Generation | None = None,
        bell: int | None = None,
    ) -> None:
        """Packs `prepared` and keeps only that, for the workers that replace dead ones. What the generation `before`
        holds already is shared with it. `bell` is the descriptor that workers hear (`legacy`)."""
        self.number = number
        self.settings: Settings = prepared.settings
        self.sets = dict(prepared.sets)
        """Of each feed, the set that its rules are of."""
        self.children: list[Child] = []
        self.restarts = 0
        self.stopped = asyncio.Event()
        """Set once no worker accepts any more."""
        self._plan = plan
        self._timing: Timing = plan.timing
        self._settle = settle
        self._bell = bell
        self._descriptors = {name: sock.fileno() for name, sock in sockets.items()}
        self._parcel: Parcel = Parcel.of(prepared, before._parcel.pieces if before is not None else {})
        self._staged: Parcel | None = None
        """Rules that are staged beside ours."""
        self._changing = asyncio.Lock()
        """Held while a worker is replaced and while rules are swapped: nobody begins with yesterday's."""
        self._slots: list[asyncio.Task[None]] = []
        self._spawning: set[asyncio.Future[Child]] = set()
        self._stopping = False
        errand = errand_of(self.settings, f"broker {number}", plan.timing.beat)
        self.egress = Egress(errand, plan.broker, self._broke, plan.environment, plan.timing) if plan.broker else None
        """The broker, which connects for the workers."""
        self._hands = Hands(self.settings.logs)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the sandbox lacks."""
        brokers = self.egress.missing if self.egress is not None else ()
        return tuple(dict.fromkeys((*brokers, *(what for child in self.children for what in child.missing))))

    def _hello(self, index: int, parcel: Parcel, stored: int, egress: int | None, hand: int | None) -> bytes:
        hello = Hello(
            self.number,
            index,
            self._timing.beat,
            self._descriptors,
            parcel.prepared,
            parcel.sizes,
            stored,
            egress,
            hand,
            self._bell,
            self._timing.hung,
        )
        return channel.frame(pickle.dumps(hello))

    @property
    def ruleset_name(self) -> str:
        """The rules in force."""
        return self._parcel.ruleset_name

    def differs_in_rules(self, prepared: Prepared) -> bool:
        """Whether these rules are others than ours, or made otherwise, and all the rest is the same."""
        return prepared.rest == self._parcel.rest and not self._parcel.holds(prepared)

    def has(self, prepared: Prepared) -> bool:
        """Whether all of this is in force already."""
        return self._parcel.holds(prepared)

    @property
    def whole(self) -> bool:
        """Whether every worker accepts."""
        return sum(child.accepting and not child.ended.done() for child in self.children) == self.settings.workers

    async def start(self, only: int | None = None) -> None:
        """`begin`, and `ready`. Raises WorkerFailed; `abandon` it then."""
        await self.begin(only)
        await self.ready()

    async def begin(self, only: int | None = None) -> None:
        """Start the processes: the broker's and those of all workers, or of `only` so many. All of them begin at the
        same time. Raises WorkerFailed; `abandon` it then."""
        try:
            if self.egress is not None:
                await self.egress.begin()
            with self._parcel.stored() as stored:
                workers = range(only or self.settings.workers)
                await asyncio.gather(*(self._begin(index, self._parcel, stored) for index in workers))
        except OSError as error:
            raise WorkerFailed(str(error)) from error

    async def ready(self) -> None:
        """Return when all that have begun are ready. Raises WorkerFailed; `abandon` it then."""
        try:
            async with asyncio.timeout(self._timing.ready):
                if self.egress is not None:
                    await self.egress.ready()
                await asyncio.gather(*(child.ready() for child in self.children))
        except TimeoutError as error:
            raise WorkerFailed(f"the workers were not ready within {self._timing.ready:g} s") from error

    async def go(self) -> None:
        """Return when all accept. Raises WorkerFailed."""
        try:
            await asyncio.gather(*(child.go(self._timing.ready) for child in self.children))
        except RevproxyError as error:
            raise WorkerFailed(str(error)) from error
        self._slots = [asyncio.create_task(self._keep(child)) for child in list(self.children)]
        self._slots.append(asyncio.create_task(self._watch()))

    def leave(self, left: Sequence[tuple[str, Open]]) -> None:
        """What another supervisor is to find, should this one be killed."""
        if self.egress is not None:
            self.egress.leave(left)

    async def swap(self, prepared: Prepared) -> None:
        """Put other rules in force in all workers: all make them ready, then all swap. Raises WorkerFailed when one
        cannot; the old ones stay in force in all of them then."""
        parcel = Parcel.of(prepared, self._parcel.pieces)
        async with self._changing:
            await self._each(lambda child: child.load(parcel, self._timing.ready))
            # From here on whoever replaces a dead worker begins with these.
            self._parcel, self.settings, self.sets = parcel, prepared.settings, dict(prepared.sets)
            for child, error in await self._told(lambda child: child.swap(parcel, self._timing.ready)):
                _log.error("worker %d cannot swap: %s", child.pid, error)
                child.signal(signal.SIGKILL)

    async def stage(self, prepared: Prepared) -> None:
        """Have all workers judge by these rules as well, which changes nothing. Raises WorkerFailed when one cannot;
        none of them does then."""
        parcel = Parcel.of(prepared, self._parcel.pieces)
        async with self._changing:
            try:
                await self._each(lambda child: child.load(parcel, self._timing.ready, staged=True))
                await self._each(lambda child: child.stage(parcel, self._timing.ready))
            except WorkerFailed:
                await self._told(lambda child: child.unstage(self._timing.ready))
                raise
            self._staged = parcel

    async def unstage(self) -> None:
        """Have them judge by no others."""
        async with self._changing:
            self._staged = None
            await self._told(lambda child: child.unstage(self._timing.ready))

    async def _each(self, do: Callable[[Child], Awaitable[None]]) -> None:
        """Raises WorkerFailed when one that lives could not do it."""
        for _, error in await self._told(do):
            raise WorkerFailed(str(error)) from error

    async def _told(self, do: Callable[[Child], Awaitable[None]]) -> list[tuple[Child, BaseException]]:
        """Those that live and could not, and why. Others are replaced, with what is in force then."""
        asked = [child for child in self.children if child.accepting]
        answers = await asyncio.gather(*(do(child) for child in asked), return_exceptions=True)
        pairs = zip(asked, answers, strict=True)
        return [(child, error) for child, error in pairs if error is not None and not child.ended.done()]

    async def stop(self) -> None:
        """Have the workers stop accepting and finish what is under way. Returns when they have stopped."""
        await self._let_go()
        drain_seconds, grace = self.settings.drain_seconds, self._timing.grace
        if self.egress is not None:
            # Or it would keep listening sockets open on which nobody accepts.
            await self.egress.forget()
        await asyncio.gather(*(child.drain(drain_seconds, grace) for child in self.children))
        self.stopped.set()

    async def drain(self) -> None:
        """`stop`, and return when no worker is left: after `settings.drain_seconds` they are made to end."""
        await self.stop()
        drain_seconds, grace = self.settings.drain_seconds, self._timing.grace
        await asyncio.gather(*(child.end(drain_seconds, grace) for child in self.children))
        await self._over()

    async def kill(self) -> None:
        """End all workers without ado. Returns when no worker is left."""
        await self._let_go()
        await asyncio.gather(*(child.kill(signal.SIGKILL, self._timing.grace) for child in self.children))
        await self._over()

    async def abandon(self) -> None:
        """Give up a generation that did not come into force: who was told to accept drains, others are killed."""
        await self._let_go()
        for child in self.children:
            if not child.told:
                child.signal(signal.SIGKILL)
        await self.drain()

    def kill_now(self) -> None:
        """SIGKILL to all, without waiting: the supervisor ends in the next moment."""
        for child in self.children:
            child.signal(signal.SIGKILL)
        if self.egress is not None:
            self.egress.kill_now()

    async def tell(self, do: str) -> dict[int, Any]:
        """Ask every worker; (pid -> answer), without those that do not answer in time."""
        asked = list(self.children)
        answers = await asyncio.gather(
            *(child.ask(do, self._timing.answer) for child in asked), return_exceptions=True
        )
        pairs = zip([child.pid for child in asked], answers, strict=True)
        return {pid: answer for pid, answer in pairs if not isinstance(answer, BaseException)}

    @asynccontextmanager
    async def still(self) -> AsyncIterator[list[int]]:
        """The ids of its processes; no worker is replaced meanwhile."""
        async with self._changing:
            brokers = [self.egress.pid] if self.egress is not None and self.egress.pid else []
            yield [*brokers, *(child.pid for child in self.children if not child.ended.done())]

    async def _spawn(self, index: int) -> Child:
        """A worker that is ready. Raises WorkerFailed or OSError."""
        parcel = self._parcel
        with parcel.stored() as stored:
            child = await self._begin(index, parcel, stored)
        await child.ready()
        return child

    async def _begin(self, index: int, parcel: Parcel, stored: int) -> Child:
        """A worker that begins. Raises OSError."""
        # Shielded: a process that was started must end up in `children`, or nobody would ever end it. With a
        # descriptor of its own: that of `stored` may be another file's by then.
        own = os.dup(stored)
        spawning = asyncio.ensure_future(self._begun(index, parcel, own))
        self._spawning.add(spawning)
        spawning.add_done_callback(self._spawned)
        spawning.add_done_callback(lambda _: os.close(own))
        return await asyncio.shield(spawning)

    async def _begun(self, index: int, parcel: Parcel, stored: int) -> Child:
        """A worker's process, with its ways to the broker and to log files."""
        plan = self._plan
        line, egress = self.egress.line() if self.egress is not None else (0, None)
        hand, opening = self._hands.line() if self.settings.sandbox else (0, None)
        lent = [sock for sock in (egress, opening) if sock is not None]
        numbers = [sock.fileno() if sock is not None else None for sock in (egress, opening)]
        hello = self._hello(index, parcel, stored, *numbers)
        bell = [self._bell] if self._bell is not None else []
        fds = (*self._descriptors.values(), *(sock.fileno() for sock in lent), stored, *bell)
        try:
            child = await Child.spawn(plan.worker, plan.environment, hello, fds, index)
        except BaseException:
            self._drop(line, hand)
            raise
        finally:
            for sock in lent:
                sock.close()
        child.line, child.hand, child.held = line, hand, frozenset(parcel.pieces)
        return child

    def _drop(self, line: int, hand: int) -> None:
        """Its worker has ended, or never began."""
        if self.egress is not None:
            self.egress.drop(line)
        self._hands.drop(hand)

    def _broke(self, line: int) -> None:
        """A worker sent the broker what no worker of ours sends."""
        for child in self.children:
            if child.line == line:
                _log.error("worker %d asked the broker for what is no request; killed", child.pid)
                child.signal(signal.SIGKILL)

    def _spawned(self, spawning: asyncio.Future[Child]) -> None:
        self._spawning.discard(spawning)
        if spawning.cancelled() or spawning.exception() is not None:
            return
        self.children.append(spawning.result())
        if self._stopping:
            spawning.result().signal(signal.SIGKILL)

    async def _keep(self, child: Child) -> None:
        """Keep one place filled: wait for the end of its worker, replace it."""
        pause = 0.0
        while True:
            code = await asyncio.shield(child.ended)
            pause = self._timing.pause_after(child.age, pause)
            _log.error("worker %d ended (%s); a new one in %.1f s", child.pid, cause(code), pause)
            self._retire(child)
            await asyncio.sleep(pause)
            self.restarts += 1
            while (fresh := await self._replace(child.index)) is None:
                pause = self._timing.pause_after(0.0, pause)
                await asyncio.sleep(pause)
            child = fresh

    async def _replace(self, index: int) -> Child | None:
        async with self._changing:
            return await self._replaced(index)

    async def _replaced(self, index: int) -> Child | None:
        before = set(self.children)
        try:
            async with asyncio.timeout(self._timing.ready):
                child = await self._spawn(index)
                await child.go(self._timing.ready)
                await self._stage_in(child)
        except (TimeoutError, RevproxyError, OSError) as error:
            _log.error("a new worker failed: %s", error)
            for failed in [c for c in self.children if c not in before and c.index == index]:
                await failed.kill(signal.SIGKILL, self._timing.grace)
                self._retire(failed)
            return None
        _log.info("worker %d takes its place", child.pid)
        return child

    async def _stage_in(self, child: Child) -> None:
        """What is staged, in a worker that was not there when it was: one that cannot serves without."""
        if self._staged is None:
            return
        try:
            await child.load(self._staged, self._timing.ready, staged=True)
            await child.stage(self._staged, self._timing.ready)
        except RevproxyError as error:
            _log.error("worker %d judges by what is in force only: %s", child.pid, error)

    async def _watch(self) -> None:
        """Count missed beats in ticks of our own: when the supervisor itself was held up, nobody is to blame."""
        timing = self._timing
        while True:
            await asyncio.sleep(timing.beat)
            for child in self.children:
                child.silent += 1
                if child.silent == timing.beats_missed and child.accepting:
                    _log.error("worker %d gave no sign of life for %d beats", child.pid, timing.beats_missed)
                    self._slots.append(asyncio.create_task(child.kill(signal.SIGABRT, timing.grace)))

    async def _let_go(self) -> None:
        """Nobody is replaced or watched from now on."""
        self._stopping = True
        for task in self._slots:
            task.cancel()
        await asyncio.gather(*self._slots, *self._spawning, return_exceptions=True)

    async def _over(self) -> None:
        """What is left when the workers have ended."""
        if self.egress is not None:
            await self.egress.close()
        self._settle_ended()
        self._hands.close()

    def _settle_ended(self) -> None:
        for child in [child for child in self.children if child.ended.done()]:
            self._retire(child)

    def _retire(self, child: Child) -> None:
        if child in self.children:
            self.children.remove(child)
            self._drop(child.line, child.hand)
            self._settle(child)
