"""The supervisor: what is in force, and the order in which that changes.

    prepare -> bind -> begin -> ready -> go -> RUNNING -> [reload]* -> DRAINING -> over

A reload is the same line beside the old generation: prepare, bind what is new, begin, go; only then is the old one
told to stop. Where nothing but the rules has changed, its workers are given them instead, and go on. Whatever fails
on the way leaves the old ones in force and nothing else behind. One reload at a time.
What a generation does with its workers, the control socket's wire and the admin pages are not here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from enum import StrEnum
from typing import Any

from revproxy import __version__
from revproxy.config.settings import Settings
from revproxy.errors import RevproxyError
from revproxy.runtime.child import Child
from revproxy.runtime.doors import Doors
from revproxy.runtime.generation import Generation
from revproxy.runtime.handover import Adopted, Handover, become, prove
from revproxy.runtime.legacy import Estate, Legacy
from revproxy.runtime.manager import Manager
from revproxy.runtime.mender import Mender
from revproxy.runtime.parts import Plan, Prepared
from revproxy.runtime.sight import describe, tell_sandbox
from revproxy.runtime.sockets import ADMIN, Keeper, addresses, bound, doors
from revproxy.runtime.staging import Staging
from revproxy.runtime.tally import Tally
from revproxy.runtime.tasks import cancel, logged
from revproxy.runtime.threads import in_thread
from revproxy.runtime.timer import Timer

_log = logging.getLogger("revproxy.supervisor")


class State(StrEnum):
    """Where the supervisor is on its line."""

    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"


class Supervisor:
    """The one object that changes what is in force. It is also what the admin listener shows (`admin.View`)."""

    def __init__(self, plan: Plan, manager: Manager, adopted: Adopted | None = None) -> None:
        """`adopted` are the processes of another version of the program, which was here before."""
        self._plan = plan
        self._manager = manager
        self._adopted = adopted or Adopted()
        self._keeper = Keeper()
        self._legacy = Legacy()
        self._tally = Tally()
        self._timer = Timer(plan.update)
        self._mender = Mender(plan.mend)
        self._state = State.STARTING
        self._began = time.time()
        self._number = 0
        self._signals = 0
        self._life: asyncio.Task[Any] | None = None
        self._current: Generation | None = None
        self._retiring: dict[Generation, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._stop = asyncio.Event()
        self._works: set[asyncio.Task[Any]] = set()
        self._staging = Staging(plan, lambda: self._current)
        verbs = {
            "status": self.status,
            "reload": self.reload,
            "swap": self.swap,
            "stage": self._staging.stage,
            "staging": self._staging.staging,
            "upgrade": self.upgrade,
            "drain": self.drain,
        }
        self._doors = Doors(self, verbs, plan.file)

    async def run(
        self, prepared: Prepared, estate: Estate | None = None, begun: Callable[[], None] = lambda: None
    ) -> None:
        """Serve until told to stop. Raises LocatedError when something cannot be bound, WorkerFailed.

        `estate` is what another supervisor has left; its workers drain once ours accept. `begun` is called then.

        Cancelled when it is told to stop before it serves: nothing of the start is left then.
        """
        self._life = asyncio.current_task()
        self._handle_signals()
        try:
            await self._first(prepared, estate)
            begun()
            del prepared, estate, begun
            await self._stop.wait()
            await self._drain()
        finally:
            await self._close()

    def take(self, given: Iterable[socket.socket], settings: Settings) -> None:
        """Before `run`: listening sockets that a service manager has bound. Raises ConfigError, see `Keeper.take`."""
        self._keeper.take(given, addresses(settings), self._plan.file)

    # ---- what changes

    async def _first(self, prepared: Prepared, estate: Estate | None) -> None:
        if estate is not None:
            self._keeper.adopt(estate.sockets)
        generation = await self._raise(prepared)
        self._current = generation
        self._state = State.RUNNING
        if estate is not None:
            _log.warning("took over the listening sockets of another supervisor; its workers drain")
            estate.settle()
            self._keeper.keep_only(addresses(generation.settings))
        tell_sandbox(generation)
        self._work(self._staging.look())
        await self._timer.set(generation.settings.feeds)
        await self._mender.in_force(prepared.patched)
        with suppress(OSError):
            # After an upgrade whoever has read the first line may have gone.
            self._plan.announce(self._ready_line(generation.settings))
        self._manager.ready(f"serving with rule set {generation.ruleset_name}")
        _log.info("serving with rule set %s", generation.ruleset_name)

    async def _raise(self, prepared: Prepared) -> Generation:
        """A generation that accepts. On an error nothing of it is left, and what was in force still is."""
        settings = prepared.settings
        sockets = self._keeper.bind(addresses(settings), self._plan.file)
        self._number += 1
        listeners = {listener.name: sockets[f"listener {listener.name}"] for listener in settings.listeners}
        generation = Generation(
            self._number, prepared, listeners, self._plan, self._tally.settle, self._current, self._legacy.bell.end
        )
        try:
            await generation.begin()
            await self._doors.move_control(settings.control)
            await generation.ready()
            await generation.go()
            await self._doors.move(settings.control, sockets.get(ADMIN))
            self._leave(generation)
        except BaseException:
            await generation.abandon()
            await self._undo()
            raise
        return generation

    async def _undo(self) -> None:
        """Keep what the generation in force needs, and only that."""
        if self._current is None:
            self._keeper.close()
            return
        settings = self._current.settings
        wanted = addresses(settings)
        sockets = self._keeper.bind(wanted, self._plan.file)
        self._keeper.keep_only(wanted)
        await self._doors.move(settings.control, sockets.get(ADMIN))
        self._leave(self._current)

    def _leave(self, generation: Generation) -> None:
        """What the next supervisor is to find, should this one be killed. Raises OSError."""
        settings = generation.settings
        generation.leave(self._legacy.left(settings.control.path, self._keeper.held(doors(settings))))

    async def _reload(self, only_rules: bool = False) -> dict[str, Any]:
        async with self._turn:
            old = self._current
            if old is None or self._state is not State.RUNNING:
                raise RevproxyError(f"no reload while {self._state}")
            self._manager.reloading()
            try:
                done = await self._follow(old, only_rules)
                self._work(self._staging.look())
                return done
            finally:
                if self._state is State.RUNNING:
                    self._manager.ready(f"serving with rule set {(self._current or old).ruleset_name}")

    async def _follow(self, old: Generation, only_rules: bool) -> dict[str, Any]:
        """Rules for the workers of this generation, or another one in its place."""
        prepared = await in_thread(self._plan.prepare)
        if only_rules and prepared.settings != old.settings:
            raise RevproxyError("the configuration was changed since it came into force: reload it first")
        if only_rules and old.has(prepared):
            # Another set may come to the same rules.
            old.sets = dict(prepared.sets)
            return {"generation": old.number, "ruleset": old.ruleset_name, "swapped": False}
        if old.differs_in_rules(prepared):
            return await self._swap(old, prepared)
        generation = await self._raise(prepared)
        patched = prepared.patched
        del prepared
        self._current = generation
        self._retiring[old] = self._work(self._retire(old))
        await old.stopped.wait()
        self._keeper.keep_only(addresses(generation.settings))
        await self._timer.set(generation.settings.feeds)
        await self._mender.in_force(patched)
        _log.info("generation %d is in force with rule set %s", generation.number, generation.ruleset_name)
        return {"generation": generation.number, "ruleset": generation.ruleset_name, "swapped": False}

    async def _swap(self, generation: Generation, prepared: Prepared) -> dict[str, Any]:
        await generation.swap(prepared)
        await self._mender.in_force(prepared.patched)
        _log.info("generation %d goes on with rule set %s", generation.number, generation.ruleset_name)
        return {"generation": generation.number, "ruleset": generation.ruleset_name, "swapped": True}

    async def _retire(self, old: Generation) -> None:
        try:
            await old.drain()
        finally:
            self._retiring.pop(old, None)
        _log.info("generation %d is over", old.number)

    async def _drain(self) -> None:
        """Finish everything under way; a reload that is under way is given up."""
        self._state = State.DRAINING
        _log.info("draining")
        seconds = self._current.settings.drain_seconds if self._current is not None else 0.0
        self._manager.stopping(seconds + self._plan.timing.grace)
        await asyncio.gather(self._timer.close(), self._mender.close())
        retiring = set(self._retiring.values())
        await cancel(self._works - retiring - {asyncio.current_task()})
        await self._staging.close()
        if self._current is not None:
            await self._current.stop()
        self._keeper.keep_only({})
        if self._current is not None:
            await self._current.drain()
        await asyncio.gather(*self._retiring.values(), return_exceptions=True)

    async def _close(self) -> None:
        await asyncio.gather(self._timer.close(), self._mender.close())
        await cancel(self._works - {asyncio.current_task()})
        await self._staging.close()
        for generation in self._generations():
            await generation.kill()
        await self._doors.close()
        self._legacy.close()
        self._keeper.close()

    async def _upgrade(self) -> dict[str, Any]:
        """Does not return but by raising: the process is another program then."""
        async with self._turn:
            old, plan = self._current, self._plan
            if old is None or self._state is not State.RUNNING:
                raise RevproxyError(f"no upgrade while {self._state}")
            if not plan.program:
                raise RevproxyError("it is not known how this program was started")
            self._manager.reloading()
            try:
                await prove(plan.proof, plan.environment, bound=map(str, addresses(old.settings).values()))
                await asyncio.gather(self._timer.close(), self._mender.close())
                async with AsyncExitStack() as stack:
                    still = [await stack.enter_async_context(one.still()) for one in self._generations()]
                    pids = [*self._adopted.pids, *(pid for pids in still for pid in pids)]
                    self._become(old.settings, pids)
            except OSError as error:
                raise RevproxyError(f"the program cannot be started: {error}") from error
            finally:
                # Given up because it drains: nothing begins again then.
                if self._state is State.RUNNING:
                    await self._timer.set(old.settings.feeds)
                    await self._mender.resume()
                    self._manager.ready(f"serving with rule set {old.ruleset_name}")
        raise AssertionError("unreachable")

    def _become(self, settings: Settings, pids: Sequence[int]) -> None:
        """Raises OSError."""
        listening = {key: sock.fileno() for key, sock in self._keeper.held(doors(settings)).items()}
        asking, bell = tuple(self._doors.waiting("upgrade")), self._legacy.bell.fileno()
        environment = {**os.environ, **self._manager.variables}
        _log.warning("becoming the installed version")
        try:
            become(
                self._plan.program,
                environment,
                Handover(listening, bell, tuple(pids), settings.drain_seconds, asking),
            )
        finally:
            for number in asking:
                os.close(number)

    # ---- who asks for it

    async def upgrade(self) -> dict[str, Any]:
        """Become the program as it is installed now. Raises UpgradeRefused where it would not serve; otherwise it is
        the new one that answers."""
        return await self._done(self._upgrade())

    async def reload(self) -> dict[str, Any]:
        """Put what the configuration says now in force. Raises what preparing raises, or WorkerFailed."""
        return await self._done(self._reload())

    async def swap(self) -> dict[str, Any]:
        """`reload` for an update of signatures: refused where the configuration itself says something else by now,
        for nobody has asked to put that in force. Raises what `reload` raises."""
        return await self._done(self._reload(only_rules=True))

    async def _done(self, change: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        work = self._work(change)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.cancelled():
                raise RevproxyError("given up: draining") from None
            raise

    async def drain(self) -> dict[str, Any]:
        """Begin to drain; the process ends when that is done."""
        seconds = self._current.settings.drain_seconds if self._current is not None else 0.0
        self._stop.set()
        return {"drain_seconds": seconds}

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._work(logged("reload", self._reload())))
        loop.add_signal_handler(signal.SIGUSR2, lambda: self._work(logged("upgrade", self._upgrade())))
        loop.add_signal_handler(signal.SIGUSR1, lambda: self._work(self._reopen()))

    def _told_to_stop(self) -> None:
        """The first signal drains (also after the verb: a service manager sends one anyway), or gives up the start;
        the second ends it."""
        self._signals += 1
        if self._signals == 1 and self._state is not State.STARTING:
            self._stop.set()
            return
        if self._signals == 1 and self._life is not None:
            self._life.cancel()
            return
        for generation in self._generations():
            generation.kill_now()
        self._adopted.kill()
        self._doors.remove()
        self._legacy.close()
        os._exit(1)

    async def _reopen(self) -> None:
        for generation in self._generations():
            await generation.tell("reopen")
        _log.info("the log files were opened anew")

    def _work(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return task

    # ---- what there is to see

    @property
    def served(self) -> bool:
        """Whether it has begun to serve."""
        return self._state is not State.STARTING

    @property
    def ready(self) -> bool:
        """Whether every worker of the generation in force accepts."""
        return self._state is State.RUNNING and self._current is not None and self._current.whole

    async def metrics(self) -> dict[str, Any]:
        """The merged snapshot of all workers, ended ones included."""
        return await self._tally.collect(self._children(), self._plan.timing.answer)

    async def status(self) -> dict[str, Any]:
        """State, generations and their workers."""
        return {
            "state": self._state,
            "ready": self.ready,
            "pid": os.getpid(),
            "uptime_seconds": round(time.time() - self._began, 1),
            "ruleset": self._current.ruleset_name if self._current is not None else "",
            "version": __version__,
            "adopted": self._adopted.pids,
            "generations": await describe(self._generations()),
        }

    def _generations(self) -> list[Generation]:
        return [*self._retiring, *([self._current] if self._current is not None else [])]

    def _children(self) -> list[Child]:
        return [child for generation in self._generations() for child in generation.children]

    def _ready_line(self, settings: Settings) -> str:
        sockets = self._keeper.bind(addresses(settings), self._plan.file)
        places = [f"{lis.name} {lis.kind} {bound(sockets[f'listener {lis.name}'])}" for lis in settings.listeners]
        if ADMIN in sockets:
            places.append(f"admin {bound(sockets[ADMIN])}")
        return f"ready: {', '.join(places)}"
