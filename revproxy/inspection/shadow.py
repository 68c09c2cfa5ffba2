"""A staged set of rules beside the one in force: it is shown the same of live traffic, later, and only recorded.

    begin -> note ... (what the set in force is shown) -> end (its verdict was applied) -> queue -> judge -> compare

A `Tape` keeps the fields as they were at each inspection; values are never changed once they are fields, so that it
copies none. The queue is worked on between other work of the loop, one transaction at a time; what is large goes to a
thread of the staged set's own. Invariants: nothing here changes the transaction, its verdict or its answer, and
nothing raises into it; tapes, open and waiting, hold a bounded number of bytes; time that is spent here is a bounded
share of the worker's, and what is over is not judged but counted; a set that breaks once is not asked again; no body
is taken apart a second time, and where rules of the staged set ask for another way to read one that is counted. What
follows from the counts is for `staging`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from revproxy.audit import About, encode_staged, seen
from revproxy.config.settings import Staging
from revproxy.content.body import Kind
from revproxy.detection.engine import Loaded
from revproxy.detection.rules import BODY_TYPE, FILLED
from revproxy.inspection.rules import RuleInspector
from revproxy.inspection.staging import Change, Report, together
from revproxy.inspection.verdict import Policy, decide
from revproxy.model import ALLOWED, UNTOUCHED, Action, Controls, Fields, Finding, Phase, Transaction, Verdict

log = logging.getLogger("revproxy.staging")
Excluded = Callable[[str, bytes, bytes], tuple[object, ...]]
"""What a staged set leaves out (`detection.rules.Exclusion`), by name of a route or mail domain, host and target."""
MOST_WAITING: Final = 256
MOST_BYTES: Final = 16 * 1024 * 1024
"""What tapes may hold of all transactions together."""
TAPE_SECONDS: Final = 0.000015
"""What keeping a tape takes, which is not measured each time: that would take as long."""
STEP_BYTES: Final = 1024
"""What an inspection costs of that besides what was looked at."""
LOOP_SECONDS: Final = 0.1
"""Processor time of one inspection on the loop; a set that needs more of it has no place there."""
SLICE_SECONDS: Final = 0.0005
"""... and of all that is done in a row; it ends with the inspection in which it is over."""
SAVED_SECONDS: Final = 0.25
"""What may be spent at once, after a pause."""
SAMPLE_CHARS: Final = 256
"""Of each text of a sample."""
_KEPT_CHANGES: Final = 400
"""So many are noted until those of one kind are added up."""


class Step(NamedTuple):
    """One inspection: what it was shown, and which phases."""

    fields: Fields
    first: Phase
    last: Phase
    size: int
    part: bool
    asked: Controls
    """How bodies are read from here on, as rules of the set in force asked for."""


class Tape:
    """What the set in force was shown of one transaction."""

    __slots__ = ("_shadow", "bytes", "excluded", "over", "policy", "steps", "transaction", "wanted")

    def __init__(
        self, shadow: Shadow, transaction: Transaction, policy: Policy, excluded: tuple[object, ...]
    ) -> None:
        """`Shadow.begin` makes it."""
        self._shadow = shadow
        self.transaction, self.policy, self.excluded = transaction, policy, excluded
        self.wanted = shadow.wanted
        """Fields that the staged set looks at."""
        self.steps: list[Step] = []
        self.bytes = 0
        self.over = False
        """It was too much; nothing is kept of it."""

    def note(self, first: Phase, last: Phase, size: int, part: bool = False) -> None:
        """The set in force has looked at the transaction as it is now, at some `size` bytes."""
        if self.over:
            return
        if self._shadow.hold(size + STEP_BYTES):
            self.bytes += size + STEP_BYTES
            shown, asked = self.transaction.fields.copied(), self.transaction.controls
            self.steps.append(Step(shown, first, last, size, part, asked))
        else:
            self._shadow.hold(-self.bytes)
            self.over, self.bytes = True, 0
            self.steps.clear()

    def end(self, verdict: Verdict, about: About) -> None:
        """The transaction is over, and this was its verdict. To be called once, whatever became of it."""
        self._shadow.end(self, verdict, about)


class Shadow:
    """A staged set of one worker. Used by its loop only."""

    def __init__(
        self,
        rules: RuleInspector,
        staging: Staging,
        record: Callable[[bytes], None],
        *,
        wanted: frozenset[str] = FILLED,
        excluded: Excluded = lambda _place, _host, _target: (),
        seconds: float = 10.0,
        count: Callable[[str], None] = lambda _outcome: None,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        """`record` takes audit records, `seconds` bounds what goes to the thread, `count` hears each outcome."""
        self._rules, self._staging, self._record, self._count = rules, staging, record, count
        self.set_name = rules.set_name
        self.wanted = wanted
        self._excluded = excluded
        self._seconds, self._chance, self._clock, self._cpu = seconds, chance, clock, cpu
        self._counts: Counter[str] = Counter()
        self._took, self._fault, self._id = 0.0, "", ""
        self._changes: list[Change] = []
        self._waiting: deque[tuple[Tape, Verdict, About]] = deque()
        self._held = 0
        self._saved, self._looked = SAVED_SECONDS, clock()
        self._turn = 0.0
        """Seconds since others had their turn."""
        self._work: asyncio.Task[None] | None = None
        self._closed = False

    def begin(
        self, transaction: Transaction, policy: Policy, place: str, host: bytes = b"", target: bytes = b""
    ) -> Tape | None:
        """A tape for a transaction that is to be judged by both sets; None: it is not chosen.

        `place` is its route or mail domain, `host` and `target` are a request's.
        """
        if not policy.inspects or self._closed:
            return None
        if self._chance() >= self._staging.sample or not self._may_spend():
            self._counted("skipped")
            return None
        if len(self._waiting) >= MOST_WAITING:
            self._counted("dropped")
            return None
        return Tape(self, transaction, policy, self._excluded(place, host, target))

    def _may_spend(self) -> bool:
        now = self._clock()
        earned = (now - self._looked) * self._staging.load
        self._saved, self._looked = min(SAVED_SECONDS, self._saved + earned), now
        return self._saved > 0

    def hold(self, size: int) -> bool:
        """Whether so many bytes more, or less, may be held."""
        if self._held + size > MOST_BYTES:
            return False
        self._held += size
        return True

    def end(self, tape: Tape, verdict: Verdict, about: About) -> None:
        """See `Tape.end`."""
        if self._closed or not (tape.steps or tape.over):
            return
        if tape.over or len(self._waiting) >= MOST_WAITING:
            self.hold(-tape.bytes)
            self._counted("dropped")
            return
        self._saved -= TAPE_SECONDS
        self._waiting.append((tape, verdict, about))
        if self._work is None:
            self._work = asyncio.ensure_future(self._judge_all())
            self._work.add_done_callback(self._ended)

    async def _judge_all(self) -> None:
        """Until nobody waits. Raises whatever breaks in the set."""
        try:
            self._turn = SLICE_SECONDS
            while self._waiting:
                tape, verdict, about = self._waiting.popleft()
                self._id = about.id
                transaction = Transaction(about.id, tape.transaction.protocol, excluded=tape.excluded)
                transaction.enforces = tape.policy.enforces
                staged = await self._judged(transaction, tape)
                self.hold(-tape.bytes)
                began = self._cpu()
                self._compare(tape, verdict, transaction, staged, about)
                self._spent(self._cpu() - began)
        finally:
            self._work = None

    def _ended(self, work: asyncio.Task[None]) -> None:
        """The set broke, unless nobody waits any more: that changes nothing, and it is not asked again."""
        if work.cancelled() or (error := work.exception()) is None:
            return
        self._blame(f"{type(error).__name__}: {error}")
        self._counted("failed")
        log.error("the staged set cannot judge: %s", self._fault)
        self.close()

    async def _judged(self, transaction: Transaction, tape: Tape) -> Verdict:
        verdict, asked, otherwise = ALLOWED, UNTOUCHED, False
        for step in tape.steps:
            await self._give_way()
            if transaction.controls is not asked:
                otherwise |= _otherwise(step, asked, transaction.controls)
            asked = step.asked
            transaction.fields = step.fields
            await self._inspect(transaction, step)
            found = decide(transaction, tape.policy, step.last)
            if found.action is not Action.ALLOW:
                verdict = found
                if found.enforced:
                    break
        self._counts["otherwise"] += otherwise
        return verdict

    async def _give_way(self) -> None:
        """Others have their turn now and then: answers go out, requests come in."""
        if self._turn >= SLICE_SECONDS:
            self._turn = 0.0
            await asyncio.sleep(0)

    async def _inspect(self, transaction: Transaction, step: Step) -> None:
        began = self._cpu()
        waiting = self._rules.inspect(transaction, step.first, step.last, step.size, step.part)
        took = self._cpu() - began
        if took > LOOP_SECONDS:
            self._blame(f"{took * 1000:.0f} ms on the loop")
            self._counted("overran")
        self._spent(took)
        if waiting is not None:
            began = self._clock()
            await asyncio.wait_for(waiting, self._seconds)
            self._spent(self._clock() - began)

    def _spent(self, seconds: float) -> None:
        self._turn += seconds
        self._saved -= seconds
        self._took += seconds

    def _blame(self, what: str) -> None:
        self._fault = self._fault or f"transaction {self._id}: {what}"

    def _compare(self, tape: Tape, verdict: Verdict, transaction: Transaction, staged: Verdict, about: About) -> None:
        denies, lets_pass = verdict.passes and not staged.passes, staged.passes and not verdict.passes
        self._counted("denied" if denies else "let-pass" if lets_pass else "same")
        if staged.action is verdict.action:
            return
        findings = _new(transaction.findings, tape.transaction.findings)
        self._record(encode_staged(about, verdict, self.set_name, staged, findings))
        if denies:
            self._changes += [_change(one, about) for one in findings]
            if len(self._changes) > _KEPT_CHANGES:
                self._changes = list(together(self._changes))

    def _counted(self, outcome: str) -> None:
        self._counts[outcome] += 1
        self._count(outcome)

    def report(self) -> Report:
        """What was counted since the beginning."""
        counts = self._counts
        return Report(
            judged=counts["same"] + counts["denied"] + counts["let-pass"],
            new_denials=counts["denied"],
            let_pass=counts["let-pass"],
            skipped=counts["skipped"],
            dropped=counts["dropped"],
            failed=counts["failed"],
            overran=counts["overran"],
            otherwise=counts["otherwise"],
            seconds=self._took,
            fault=self._fault,
            changes=together(self._changes),
        )

    @property
    def loaded(self) -> Loaded:
        """Its databases, for rules that follow."""
        return self._rules.loaded

    def parts(self) -> list[object]:
        """What the set is made of (`Engine.parts`)."""
        return self._rules.parts()

    def close(self) -> None:
        """Judge nothing any more; what waits is forgotten."""
        self._closed = True
        self._waiting.clear()
        if self._work is not None:
            # Cancelled before its first step, it says nothing of its end.
            self._work.cancel()
            self._work = None
        self._rules.close()


def _otherwise(step: Step, asked: Controls, wanted: Controls) -> bool:
    """Whether the body that a step shows would have been read otherwise, had it been read as `wanted`."""
    if step.first in (Phase.REPLY_HEAD, Phase.REPLY_BODY):
        return asked.reply_body_access is not wanted.reply_body_access
    if step.first is not Phase.BODY:
        return False
    if not (asked.body_access and wanted.body_access):
        return asked.body_access is not wanted.body_access
    kind = step.fields.first(BODY_TYPE).decode("ascii")
    if wanted.body_processor != asked.body_processor and (not wanted.body_processor or wanted.body_processor != kind):
        return True
    # The raw body is there anyway, but of XML.
    return asked.force_body is not wanted.force_body and kind in ("", Kind.XML)


def _new(staged: Sequence[Finding], before: Sequence[Finding]) -> list[Finding]:
    """Findings that only the staged set has; all of its own where the same ones weigh more."""
    known = {(one.rule, one.field, one.key) for one in before}
    return [one for one in staged if (one.rule, one.field, one.key) not in known] or list(staged)


def _change(finding: Finding, about: About) -> Change:
    sample = {"id": about.id, **seen(finding), **about.request}
    cut = {name: text[:SAMPLE_CHARS] for name, text in sample.items()}
    return Change(finding.rule, finding.field, about.route, 1, (cut,))
