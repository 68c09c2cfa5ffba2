"""Judging: large messages aside, unreadable ones refused where verdicts are enforced."""

from __future__ import annotations

import threading

import pytest

from revproxy.config.settings import Mode
from revproxy.detection.rules import Exclusion
from revproxy.errors import ContentError
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
