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


async def _lost_between_recipients(b, lose):
    """MAIL; a is taken; the inside goes at b; c is taken on a connection of its own; the message."""
    c = await b.ready()
    assert (await c.envelope("a@one.example"))[1].startswith("250")
    undo = lose()
    assert (await c.say("RCPT TO:<b@one.example>"))[0].startswith("451 4.4.1")
    undo()
    assert (await c.say("RCPT TO:<c@one.example>"))[0].startswith("250")
    return await c.message()


def _drops(b):
    def lose():
        b.inside.drop.add("RCPT")
        return b.inside.drop.clear

    return lose


def _closes_politely(b):
    def lose():
        b.inside.script["RCPT"] = "421 4.7.0 too many errors"
        return b.inside.script.clear

    return lose


@pytest.mark.parametrize("how", [_drops, _closes_politely])
@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
async def test_a_message_goes_to_all_that_were_accepted_although_the_connection_changed(bench, how, extensions):
    b = await bench()
    b.inside.extensions = extensions
    assert (await _lost_between_recipients(b, how(b))).startswith("250")
    assert len(b.inside.messages) == 1
    last = len(b.inside.lines) - b.inside.lines[::-1].index(b"EHLO mx.example")
    assert b.inside.lines[last:] == [
        b"MAIL FROM:<a@out.example>",
        b"RCPT TO:<a@one.example>",
        b"RCPT TO:<c@one.example>",
        b"DATA",
    ]
    assert b.records.all[-1]["to"] == ["a@one.example", "c@one.example"]


async def test_a_recipient_that_is_refused_the_second_time_defers_the_message(bench):
    b = await bench()
    real = _drops(b)

    def lose():
        undo = real()

        def back():
            undo()
            b.inside.script["RCPT"] = ["250 2.1.5 Ok", "550 5.1.1 no such user"]

        return back

    assert (await _lost_between_recipients(b, lose)).startswith("451 4.4.2")
    assert b.inside.messages == []


async def test_a_reply_before_the_message_is_none_to_it(bench):
    b = await bench()
    b.inside.script["DATA"] = "354 go\r\n250 2.0.0 Ok: queued as 1"
    # It says no more: what it said before would be all there is.
    b.inside.drop.add(".")
    c = await b.ready()
    assert (await c.deliver()).startswith("451 4.4.2")
    assert b.inside.messages == []
