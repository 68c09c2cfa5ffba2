"""Judging: large messages aside, unreadable ones refused where verdicts are enforced."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from revproxy.config import Staging
from revproxy.config.settings import Mode
from revproxy.detection.link import link
from revproxy.detection.rules import Condition, Exclusion, Operator, Rule, Target
from revproxy.errors import ContentError
from revproxy.inspection import RuleInspector, Shadow
from revproxy.model import Phase, Protocol, Severity
from revproxy.proxy.smtp.judge import ON_LOOP_BYTES


async def test_large_messages_are_taken_apart_in_a_thread(bench):
    b = await bench()
    threads = []
    b.front._office.fill = lambda *_args: threads.append(threading.current_thread())
    c = await b.ready()
    await c.deliver(b"x\r\n")
    await c.deliver(b"x\r\n" * ON_LOOP_BYTES)
    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.DETECT])
async def test_unreadable(bench, mode):
    b = await bench(mode=mode)

    def fill(*_args: object) -> None:
        raise ContentError("mime_unreadable")

    b.front._office.fill = fill
    c = await b.ready()
    reply = await c.deliver()
    assert reply == "554 5.6.0 Message cannot be taken apart" if mode is Mode.ENFORCE else reply.startswith("250")
    assert len(b.inside.messages) == (mode is Mode.DETECT)


async def test_what_a_domain_leaves_out_is_on_its_messages(bench):
    """A message has recipients of one set of exclusions only: the others come again."""
    lax = Exclusion(frozenset({"one"}))
    b = await bench(excluded={"also-one.example": (lax,)})
    c = await b.ready()
    replies = await c.envelope("a@also-one.example", "a@one.example")
    assert [reply[:3] for reply in replies][1:3] == ["250", "452"]
    await c.message(b"Subject: x\r\n\r\nhello\r\n")
    await c.deliver(b"Subject: x\r\n\r\nhello\r\n", "a@one.example")
    assert [transaction.excluded for transaction in b.judge.seen] == [(lax,), ()]


GARDEN = Rule(
    "garden",
    frozenset({Protocol.SMTP}),
    Phase.BODY,
    (Condition((Target("text"),), (Operator("rx", "garden"),)),),
    Severity.CRITICAL,
    5,
    "m",
)


async def test_messages_are_judged_by_a_staged_set_too(bench):
    b = await bench()
    records = []
    rules = link([GARDEN])
    shadow = Shadow(RuleInspector(rules, 1 << 20), Staging(load=1.0), lambda line: records.append(json.loads(line)))
    b.front.stage(shadow)
    c = await b.ready()
    for body in (b"garden", b"x", b"EVIL", b"EVIL garden", b"garden\r\n" * ON_LOOP_BYTES):
        await c.deliver(b"Subject: x\r\n\r\n" + body + b"\r\n")
    if shadow._work is not None:
        await asyncio.wait_for(shadow._work, 10)
    report = shadow.report()
    assert (report.judged, report.new_denials, report.let_pass) == (5, 2, 1)
    assert {(one["protocol"], one["route"], one["ruleset"]) for one in records} == {
        ("smtp", "one.example", "test-set")
    }
    assert {(one["verdict"], one["staged"]["verdict"]) for one in records} == {("allow", "deny"), ("deny", "allow")}
    # Nothing of it was refused.
    assert len(b.inside.messages) == 3
    b.front.stage(None)
    await c.deliver(b"Subject: x\r\n\r\ngarden\r\n")
    assert shadow.report() == report
    shadow.close()
