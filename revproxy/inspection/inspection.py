"""Asking the inspectors, in order and within a time budget, and deciding.

A failure to decide is a decision: `on_failure` says whether the transaction is deferred or denied. It is never
let through because something broke.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any

from revproxy.detection.rules import FILLED
from revproxy.inspection.inspector import Inspector
from revproxy.inspection.verdict import Policy, decide
from revproxy.inspection.waiting import decided, rest
from revproxy.model import ALLOWED, Action, Phase, Transaction, Verdict

log = logging.getLogger("revproxy.inspection")


class Inspection:
    """The inspectors of a worker. One transaction uses one `Inspection.current` from its beginning to its end."""

    def __init__(
        self,
        inspectors: Sequence[Inspector],
        set_name: str,
        seconds: float,
        on_failure: Action = Action.DEFER,
        *,
        wanted: frozenset[str] = FILLED,
        logs: bool = False,
        may_decline: bool = False,
    ) -> None:
        """`seconds` is the budget of each inspector that waits for something, in one call of `inspect`."""
        self.inspectors = tuple(inspectors)
        self.set_name = set_name
        self.wanted = wanted
        """Fields that somebody looks at; the others need not be filled."""
        self.logs = logs
        """Whether there is anything to do in phase LOG."""
        self.may_decline = may_decline
        """Whether phase REPLY_HEAD may come to it that the body of an answer is not looked at."""
        self.seconds = seconds
        self._on_failure = on_failure
        self.failures = 0

    def inspect(
        self,
        transaction: Transaction,
        first: Phase,
        last: Phase,
        policy: Policy,
        size: int = 0,
        part: bool = False,
    ) -> Coroutine[Any, Any, Verdict]:
        """As `start`, to be awaited whether anything has to be waited for or not."""
        return decided(self.start(transaction, first, last, policy, size, part))

    def start(
        self,
        transaction: Transaction,
        first: Phase,
        last: Phase,
        policy: Policy,
        size: int = 0,
        part: bool = False,
    ) -> Verdict | Awaitable[Verdict]:
        """Run phases `first` to `last` and decide: here and now where no inspector waits for anything, which is
        usual, else give back what to wait for. Never raises but for cancellation.

        `size` is about how many bytes there are to look at: what is large is looked at beside the loop. `part`: only
        a part of a long content is new (`detection.rules.IN_PARTS`), and the phase will be run again.
        """
        if not policy.inspects:
            return ALLOWED
        transaction.enforces = policy.enforces
        try:
            for at, inspector in enumerate(self.inspectors):
                waiting = inspector.inspect(transaction, first, last, size, part)
                if waiting is not None:
                    return rest(self, waiting, at + 1, transaction, first, last, policy, size, part)
        except Exception as error:  # noqa: BLE001 - whatever broke, the answer is the same: fail closed
            return self.failed(transaction, error, policy)
        return decide(transaction, policy, last)

    def failed(self, transaction: Transaction, error: Exception, policy: Policy) -> Verdict:
        """The verdict where an inspector broke, or took too long."""
        self.failures += 1
        log.error("transaction %s: inspection failed: %s: %s", transaction.id, type(error).__name__, error)
        return Verdict(self._on_failure, transaction.scores.shown, "inspection-failed", policy.enforces)
