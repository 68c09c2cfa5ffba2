"""One message's dialogue with the inside; most of it is tested through sessions (test_session)."""

from __future__ import annotations

import pytest

from revproxy.config.settings import Address as Place
from revproxy.config.settings import Upstream
from revproxy.errors import UpstreamError
from revproxy.protocols.smtp import Address, parse_mail
from revproxy.proxy.smtp.inside import Inside
from revproxy.proxy.smtp.upstream import Offer

MAIL = parse_mail(b"FROM:<a@out.example> SIZE=9")
TO = Address(b"b", b"one.example")


async def test_before_anything_was_said():
    async def never(_upstream: Upstream) -> None:
        raise UpstreamError("refused")

    inside = Inside(never)
    assert inside.offer == Offer()
    await inside.forget()
    inside.close()
    inside.abort()
    with pytest.raises(UpstreamError, match="no-connection"):
        await inside.deliver(MAIL, [TO], b"", b"")
    with pytest.raises(UpstreamError, match="refused"):
        await inside.ask(Upstream("one", Place("127.0.0.1", 1)), MAIL, TO)


async def test_a_connection_that_idled_away_is_replaced(bench):
    b = await bench()
    c = await b.ready()
    await c.deliver()
    # The server goes, its connections with it, and comes back while the client thinks.
    b.inside.drop.add("MAIL")
    assert (await c.envelope())[1].startswith("451 4.4.1")
    b.inside.drop.clear()
    await c.say("RSET")
    assert (await c.deliver()).startswith("250")
    assert b.inside.connections >= 3


async def test_what_goes_over_the_wire(bench):
    b = await bench()
    c = await b.ready()
    await c.say("MAIL FROM:<a@out.example> SIZE=9 BODY=8BITMIME", "RCPT TO:<b@one.example>")
    await c.message()
    await c.deliver()
    assert b.inside.lines == [
        b"EHLO mx.example",
        b"MAIL FROM:<a@out.example> SIZE=9 BODY=8BITMIME",
        b"RCPT TO:<b@one.example>",
        b"DATA",
        b"MAIL FROM:<a@out.example>",
        b"RCPT TO:<b@one.example>",
        b"DATA",
    ]


async def test_without_pipelining(bench):
    b = await bench()
    b.inside.extensions = ()
    c = await b.ready()
    b.inside.script["MAIL"] = ["550 5.7.1 no", "250 2.1.0 Ok"]
    replies = await c.envelope("b@one.example", "c@one.example")
    assert [r[:3] for r in replies] == ["250", "550", "250"]
    assert b.inside.lines[-4:] == [
        b"MAIL FROM:<a@out.example>",
        b"RSET",
        b"MAIL FROM:<a@out.example>",
        b"RCPT TO:<c@one.example>",
    ]
