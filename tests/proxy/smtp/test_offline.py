"""Messages that are not on a wire get the same fields and verdicts as live ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.inspection import Policy
from revproxy.model import ALLOWED, Action, ContentLimits, Limits, Phase, Protocol, Transaction, Verdict
from revproxy.proxy.outcome import Outcome
from revproxy.proxy.smtp import inspect_message
from revproxy.proxy.smtp.offline import CLIENT

CLEAN = b"From: Ada <ada@example.net>\r\nSubject: lunch\r\n\r\nSee you.\r\n"


class Judge:
    """Gives its verdict, and keeps what it was asked to judge."""

    def __init__(self, action: Action = Action.ALLOW) -> None:
        self.action = action
        self.seen: list[tuple[Transaction, Phase, Phase]] = []

    async def inspect(
        self, transaction: Transaction, first: Phase, last: Phase, policy: Policy, size: int = 0
    ) -> Verdict:
        self.seen.append((transaction, first, last))
        return ALLOWED if self.action is Action.ALLOW else Verdict(self.action, 5, "score", policy.enforces)


async def inspected(
    raw: bytes,
    judge: Judge,
    envelope: dict[str, Any] | None = None,
    limits: Limits | None = None,
    enforces: bool = True,
) -> Outcome:
    return await inspect_message(raw, envelope or {}, judge, Policy(enforces=enforces), limits or Limits())


async def test_what_the_rules_get_to_see() -> None:
    judge = Judge()
    envelope = {"client": "203.0.113.9", "helo": "out", "from": "a@b.example", "rcpt": ["c@d.example", "e@f.example"]}
    got = await inspected(CLEAN, judge, envelope)
    [(transaction, first, last)] = judge.seen
    fields = transaction.fields
    assert (transaction.protocol, first, last) == (Protocol.SMTP, Phase.HEAD, Phase.BODY)
    assert [fields.first(name) for name in ("client", "helo", "sender")] == [b"203.0.113.9", b"out", b"a@b.example"]
    assert fields.values("recipients") == [b"c@d.example", b"e@f.example"]
    assert (fields.first("subject"), fields.first("from.address")) == (b"lunch", b"ada@example.net")
    assert b"See you." in fields.first("text")
    assert (got.verdict.action, got.status, got.score) == (Action.ALLOW, None, 0)
    assert got.micros >= 0


@pytest.mark.parametrize("envelope", [{}, {"client": ""}])
async def test_an_unknown_client(envelope: dict[str, Any]) -> None:
    judge = Judge()
    await inspected(CLEAN, judge, envelope)
    fields = judge.seen[0][0].fields
    assert (fields.first("client"), fields.first("sender")) == (CLIENT.encode(), b"")


@pytest.mark.parametrize(
    ("action", "status"),
    [(Action.ALLOW, None), (Action.DENY, 550), (Action.DROP, 421), (Action.DEFER, 451), (Action.REJECT, 550)],
)
async def test_the_reply_of_each_verdict(action: Action, status: int | None) -> None:
    got = await inspected(CLEAN, Judge(action))
    assert (got.verdict.action, got.status) == (action, status)


async def test_detect_has_no_status() -> None:
    got = await inspected(CLEAN, Judge(Action.DENY), enforces=False)
    assert (got.verdict.action, got.status) == (Action.DENY, None)


@pytest.mark.parametrize("enforces", [True, False])
async def test_what_cannot_be_read_is_refused_where_refusing_is_on(enforces: bool) -> None:
    limits = Limits(content=ContentLimits(mime_parts=1))
    part = b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    raw = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="B"\r\n\r\n' + part * 3 + b"--B--\r\n"
    got = await inspected(raw, Judge(), limits=limits, enforces=enforces)
    if enforces:
        assert (got.verdict.action, got.verdict.reason, got.status) == (Action.REJECT, "mime_parts", 550)
    else:
        assert (got.verdict.action, got.status) == (Action.ALLOW, None)


async def test_a_denial_goes_before_what_cannot_be_read() -> None:
    got = await inspected(CLEAN * 2, Judge(Action.DENY), limits=Limits(content=ContentLimits(mime_parts=0)))
    assert got.verdict.action is Action.DENY


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda data: CLEAN + data)), st.text(max_size=20)
)
def test_anything_has_an_outcome(raw: bytes, text: str) -> None:
    got = asyncio.run(inspected(raw, Judge(), {"client": text, "helo": text, "from": text, "rcpt": [text]}))
    assert got.verdict.action in (Action.ALLOW, Action.REJECT)
