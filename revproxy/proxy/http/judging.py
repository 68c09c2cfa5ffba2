"""Asking for verdicts in the course of an exchange, under the policy of its route.

`verdict` is the latest that matters: the one that refused, or on a route that only detects the one that would have.
"""

from __future__ import annotations

import time

from revproxy.content.guess import text_like
from revproxy.inspection import Inspection, Policy, Tape
from revproxy.model import ALLOWED, Action, Phase, Transaction, Verdict
from revproxy.proxy.http.refusal import refused_by


class Judge:
    """Inspects one transaction; every method raises `Refused` where that is the verdict."""

    __slots__ = (
        "_inspection",
        "_policy",
        "_tape",
        "_transaction",
        "inspects",
        "may_decline",
        "seconds",
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
        self._transaction = transaction
        self.inspects = policy.inspects
        self.may_decline = inspection.may_decline
        """See `Inspection`."""
        self.wanted = inspection.wanted if tape is None else inspection.wanted | tape.wanted
        """Fields that somebody looks at."""
        self.verdict: Verdict = ALLOWED
        self.seconds = 0.0
        """What inspection took so far."""

    async def judge(self, first: Phase, last: Phase, size: int = 0, part: bool = False) -> None:
        """Phases `first` to `last`; about `size` bytes are new, or only a `part` of a long content."""
        if not self.inspects:
            return
        began = time.perf_counter()
        verdict = await self._inspection.inspect(self._transaction, first, last, self._policy, size, part)
        self.seconds += time.perf_counter() - began
        if self._tape is not None:
            self._tape.note(first, last, size, part)
        if verdict.action is not Action.ALLOW:
            self.verdict = verdict
            if verdict.enforced:
                raise refused_by(verdict)

    async def log(self) -> None:
        """Phase LOG, when all is over: what it finds is recorded, and changes nothing."""
        if self.inspects and self._inspection.logs:
            began = time.perf_counter()
            await self._inspection.inspect(self._transaction, Phase.LOG, Phase.LOG, self._policy)
            self.seconds += time.perf_counter() - began

    async def windows(self, pending: list[tuple[bytes | None, bytes]]) -> None:
        """Judge windows of long contents and forget them, which is what bounds memory.

        A window of text of a body that no type describes stands among the arguments as well, without a name, so that
        what is looked for in values is looked for in it.
        """
        fields, wanted = self._transaction.fields, self.wanted
        while pending:
            name, data = pending.pop(0)
            as_text = name is None and "args" in wanted and text_like(data)
            arguments = fields.get("args")
            if name is not None:
                fields.put("files.content", (data,), (name,))
            elif "body" in wanted:
                fields.put("body", (data,))
            elif not as_text:
                continue
            if as_text:
                fields.put("args", (data,), (b"",))
            await self.judge(Phase.BODY, Phase.BODY, len(data), part=True)
            if as_text:
                fields.drop("args")
            if as_text and arguments is not None:
                fields.put("args", arguments[1], arguments[0])
            fields.drop("body")
            fields.drop("files.content")

    async def raw(self, pending: list[bytes]) -> None:
        """Judge windows of a raw body, as far as they are not judged with all else, and forget them."""
        fields = self._transaction.fields
        for data in pending:
            fields.put("body.raw", (data,))
            await self.judge(Phase.BODY, Phase.BODY, len(data), part=True)
            fields.drop("body.raw")
