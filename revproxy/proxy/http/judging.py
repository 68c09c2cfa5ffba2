"""Asking for verdicts in the course of an exchange, under the policy of its route.

`verdict` is the latest that matters: the one that refused, or on a route that only detects the one that would have.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable

from revproxy.inspection import Inspection, Policy, Tape
from revproxy.model import ALLOWED, Action, Phase, Transaction, Verdict
from revproxy.proxy.http.refusal import refused_by
from revproxy.proxy.http.waiting import judged, logged, settled


class Judge:
    """Inspects one transaction; all but `log` raise `Refused` where that is the verdict."""

    __slots__ = (
        "_inspection",
        "_policy",
        "_tape",
        "inspects",
        "may_decline",
        "seconds",
        "transaction",
        "verdict",
        "wanted",
    )

    def __init__(
        self, inspection: Inspection, policy: Policy, transaction: Transaction, tape: Tape | None = None
    ) -> None:
        """`tape` is shown all that the inspection is, for a set of rules that is staged."""
        self._inspection = inspection
        self._tape = tape
        self._policy = policy
        self.transaction = transaction
        self.inspects = policy.inspects
        self.may_decline = inspection.may_decline
        """See `Inspection`."""
        self.wanted = inspection.wanted if tape is None else inspection.wanted | tape.wanted
        """Fields that somebody looks at."""
        self.verdict: Verdict = ALLOWED
        self.seconds = 0.0
        """What inspection took so far."""

    def judge(self, first: Phase, last: Phase, size: int = 0, part: bool = False) -> Awaitable[None]:
        """As `start`, to be awaited whether anything has to be waited for or not."""
        return settled(self.start(first, last, size, part))

    def start(self, first: Phase, last: Phase, size: int = 0, part: bool = False) -> Awaitable[None] | None:
        """Phases `first` to `last`; about `size` bytes are new, or only a `part` of a long content.

        Judged here and now, or what to wait for until it is: nothing goes on before.
        """
        if not self.inspects:
            return None
        began = time.perf_counter()
        verdict = self._inspection.start(self.transaction, first, last, self._policy, size, part)
        if not isinstance(verdict, Verdict):
            return judged(self, verdict, began, first, last, size, part)
        self.conclude(verdict, began, first, last, size, part)
        return None

    def conclude(self, verdict: Verdict, began: float, first: Phase, last: Phase, size: int, part: bool) -> None:
        """Inspection has decided. Raises Refused."""
        self.seconds += time.perf_counter() - began
        if self._tape is not None:
            self._tape.note(first, last, size, part)
        if verdict.action is not Action.ALLOW:
            self.verdict = verdict
            if verdict.enforced:
                raise refused_by(verdict)

    def log(self) -> Awaitable[None] | None:
        """Phase LOG, when all is over: what it finds is recorded, and changes nothing. What to wait for, if so."""
        if not self.inspects or not self._inspection.logs:
            return None
        began = time.perf_counter()
        verdict = self._inspection.start(self.transaction, Phase.LOG, Phase.LOG, self._policy)
        if not isinstance(verdict, Verdict):
            return logged(self, verdict, began)
        self.seconds += time.perf_counter() - began
        return None
