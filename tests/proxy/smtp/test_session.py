"""The straight line of mail, end to end in one process, with faults of the inside injected."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from revproxy.config.settings import Mode
from revproxy.model import Limits, SmtpLimits
from revproxy.protocols.smtp import DataReader

HELLO = b"Subject: x\r\n\r\nhello\r\n"


async def test_delivers_and_gives_the_reply_of_the_inside_without_its_names(bench):
    b = await bench()
    c = await b.client()
    assert await c.reply() == "220 mx.example ESMTP"
    assert "250-PIPELINING" in (await c.say("EHLO client.example"))[0]
    assert await c.deliver(b"Subject: x\r\n\r\n..dot\r\nend\r\n") == "250 2.0.0 Ok queued as 4F7A2"
    (message,) = b.inside.messages
    head, _, rest = message.partition(b"Subject: ")
    assert rest == b"x\r\n\r\n.dot\r\nend\r\n"
    txid = b.records.all[0]["id"] if b.records.lines else ""
    assert head.decode() == (
        "Received: from client.example ([127.0.0.1])\r\n"
        f"\tby mx.example with ESMTP id {txid};\r\n"
        "\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )
    assert await c.say("QUIT") == ["221 2.0.0 Bye"]
    assert await c.ended()


async def test_record_and_metrics_of_a_message(bench):
    b = await bench()
    c = await b.ready()
    await c.deliver(HELLO, "b@one.example", "c@also-one.example")
    (record,) = b.records.all
    assert (record["code"], record["verdict"], record["upstream"]) == (250, "allow", "one")
    assert record["to"] == ["b@one.example", "c@also-one.example"]
    assert record["bytes_in"] == len(HELLO)
    assert b.metrics.counter("revproxy_messages_total")[("allow",)] == 1


async def test_many_messages_on_one_session_use_one_connection_inside(bench):
    b = await bench()
    c = await b.ready()
    for n in range(5):
        assert (await c.deliver(b"Subject: %d\r\n\r\n" % n)).startswith("250")
    assert len(b.inside.messages) == 5
    assert b.inside.connections == 1


async def test_pipelined_transaction(bench):
    b = await bench()
    c = await b.ready()
    group = b"MAIL FROM:<a@out.example>\r\nRCPT TO:<b@one.example>\r\nRCPT TO:<c@one.example>\r\nDATA\r\n"
    assert (await c.send(group)).startswith("250 2.1.0")
    assert [(await c.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
    # The next transaction may stand behind the end of data (RFC 2920 3.1).
    assert (await c.send(HELLO + b".\r\nMAIL FROM:<>\r\n")).startswith("250 2.0.0")
    assert (await c.reply()).startswith("250 2.1.0")


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.DETECT])
async def test_denied_is_not_delivered_unless_only_detecting(bench, mode):
    b = await bench(mode=mode)
    c = await b.ready()
    reply = await c.deliver(b"Subject: EVIL\r\n\r\n")
    if mode is Mode.DETECT:
        assert reply.startswith("250")
        assert len(b.inside.messages) == 1
    else:
        assert reply == f"550 5.7.1 Message refused by policy, id {b.records.all[0]['id']}"
        assert b.inside.messages == []
        assert b"DATA" not in b.inside.lines
        assert b.inside.lines[-1] == b"RSET"
    assert b.records.all[0]["verdict"] == "deny"
    assert (await c.deliver()).startswith("250")


async def test_deferred_and_dropped(bench):
    b = await bench()
    c = await b.ready()
    assert (await c.deliver(b"MAYBE\r\n")).startswith("451 4.7.1 ")
    await c.envelope()
    assert await c.message(b"DROP\r\n") == ""
    assert await c.ended()
    assert b.inside.messages == []


async def test_off_is_not_inspected(bench):
    b = await bench(mode=Mode.OFF)
    c = await b.ready()
    assert (await c.deliver(b"EVIL\r\n")).startswith("250")
    assert b.judge.seen == []


async def test_fields_of_the_envelope(bench):
    b = await bench()
    c = await b.ready()
    await c.say("MAIL FROM:<>", "RCPT TO:<b@ONE.example>")
    await c.message()
    fields = b.judge.seen[0].fields
    assert fields.first("client") == b"127.0.0.1"
    assert fields.first("helo") == b"client.example"
    assert (fields.first("sender"), fields.values("recipients")) == (b"", [b"b@one.example"])


# Relaying.


@pytest.mark.parametrize(
    "recipient",
    [
        "x@other.example",
        "x%other.example@one.example",
        "other.example!x@one.example",
        "x@other.example@one.example",
        '"x@other.example"@one.example',
        '"x"@one.example',
        '"@other.example:x"@one.example',
        "@one.example:x@other.example",
        "@other.example,@two.example:x@one.example",
        "x@one.example.",
        "x@sub.one.example",
        "x@[127.0.0.1]",
        "x@one.example, y@other.example",
        "x@other.example (x@one.example)",
        "|/bin/sh@one.example",
        "/etc/passwd@one.example",
        "-oQ/tmp@one.example",
        "x\\@other.example@one.example",
        "x@one.example\0@other.example",
        "x",
        "",
    ],
)
async def test_no_relay_whatever_the_inside_would_take(bench, recipient):
    """The internal server here says yes to everything, as one does that trusts us."""
    b = await bench()
    c = await b.ready()
    await c.say("MAIL FROM:<a@out.example>")
    reply = (await c.say(f"RCPT TO:<{recipient}>"))[0]
    assert reply[0] == "5"
    assert b.inside.lines == b.other.lines == []
    assert "DATA" not in (await c.say("DATA"))[0]


@pytest.mark.parametrize(
    "text", ["RCPT TO:x@one.example", "RCPT TO: x@other.example <x@one.example>", "RCPT <x@one.example>"]
)
async def test_recipients_without_brackets(bench, text):
    b = await bench()
    c = await b.ready()
    await c.say("MAIL FROM:<a@out.example>")
    assert (await c.say(text))[0][0] == "5"
    assert b.inside.lines == []


async def test_case_and_postmaster(bench):
    b = await bench()
    c = await b.ready()
    replies = await c.envelope("X@ONE.EXAMPLE", "postmaster")
    assert [r[:3] for r in replies] == ["250"] * 3
    assert b.inside.lines[-2:] == [b"RCPT TO:<X@one.example>", b"RCPT TO:<postmaster@one.example>"]


async def test_nothing_declared_nothing_taken(bench):
    b = await bench(domains=False)
    c = await b.ready()
    assert await c.say("MAIL FROM:<a@out.example>") == ["550 5.7.1 Relaying denied"]


# One internal server a message.


async def test_recipients_of_another_server_or_mode_come_again(bench):
    b = await bench()
    c = await b.ready()
    replies = await c.envelope("x@one.example", "x@two.example", "x@lax.example", "y@also-one.example")
    assert [r[:9] for r in replies] == ["250 2.1.0", "250 2.1.5", "452 4.5.3", "452 4.5.3", "250 2.1.5"]
    assert (await c.message()).startswith("250")
    assert (await c.deliver(HELLO, "x@two.example")).startswith("250")
    assert len(b.inside.messages) == len(b.other.messages) == 1


async def test_a_refused_recipient_does_not_bind_the_message(bench):
    b = await bench()
    b.inside.script["RCPT"] = "550 5.1.1 <x@one.example>: Recipient address rejected: User unknown (10.1.2.3)"
    c = await b.ready()
    replies = await c.envelope("x@one.example", "x@two.example")
    assert replies[1] == "550 5.1.1 Recipient address rejected User unknown"
    assert replies[2].startswith("250")
    assert (await c.message()).startswith("250")
    assert (len(b.inside.messages), len(b.other.messages)) == (0, 1)


# The inside says no.


@pytest.mark.parametrize(
    ("verb", "told", "stage", "expected"),
    [
        ("MAIL", "550 5.7.1 no", "RCPT", "550 5.7.1 no"),
        ("MAIL", "451 4.3.0 later", "RCPT", "451 4.3.0 later"),
        ("RCPT", "450 4.2.1 greylisted by policyd-7", "RCPT", "450 4.2.1 greylisted"),
        ("RCPT", "554 no.such.host", "RCPT", "554 5.0.0 Refused"),
        ("RCPT", "421 4.3.2 bye", "RCPT", "451 4.4.1 Mail server not available, come again"),
        ("RCPT", "354 what", "RCPT", "451 4.4.1 Mail server not available, come again"),
        ("RCPT", "nonsense", "RCPT", "451 4.4.1 Mail server not available, come again"),
        ("greeting", "554 5.3.2 away", "RCPT", "451 4.4.1 Mail server not available, come again"),
        ("EHLO", "250 old", "OK", "250 2.0.0 Ok queued as 4F7A2"),
        ("DATA", "554 5.5.1 no valid recipients", "DATA", "554 5.5.1 no valid recipients"),
        ("DATA", "250 strange", "DATA", "451 4.4.2 Connection to mail server lost, come again"),
        (".", "554 5.7.1 spam", "DATA", "554 5.7.1 spam"),
        (".", "452 4.3.1 disk full", "DATA", "452 4.3.1 disk full"),
        (".", "354 what", "DATA", "451 4.4.2 Connection to mail server lost, come again"),
        (".", "421 4.3.2 bye", "DATA", "451 4.4.2 Connection to mail server lost, come again"),
        (".", "299 strange", "OK", "250 2.0.0 Ok"),
    ],
)
async def test_refusals_of_the_inside(bench, verb, told, stage, expected):
    b = await bench()
    b.inside.script[verb] = told
    c = await b.ready()
    replies = await c.envelope()
    if stage == "RCPT":
        assert replies[1] == expected
        assert (await c.say("DATA"))[0].startswith("503")
    else:
        assert await c.message() == expected
    if stage == "OK":
        return
    assert b.inside.messages == []
    # The session goes on, and so does the inside once it is well.
    b.inside.script.clear()
    await c.say("RSET")
    assert (await c.deliver()).startswith("250")


@pytest.mark.parametrize("point", ["EHLO", "MAIL", "RCPT"])
async def test_inside_breaks_before_the_message(bench, point):
    b = await bench()
    b.inside.drop.add(point)
    c = await b.ready()
    assert (await c.envelope())[1].startswith("451 4.4.1")
    b.inside.drop.clear()
    assert (await c.say("RCPT TO:<b@one.example>"))[0].startswith("250")
    assert (await c.message()).startswith("250")
    assert len(b.inside.messages) == 1


@pytest.mark.parametrize("point", ["data", "."])
async def test_a_lost_reply_is_never_250(bench, point):
    b = await bench()
    b.inside.drop.add(point)
    c = await b.ready()
    body = b"Subject: x\r\n\r\n" + b"x" * 900 + b"\r\n"
    assert await c.deliver(body * 200) == "451 4.4.2 Connection to mail server lost, come again"
    assert b.records.all[0]["reason"] == "upstream-lost"
    b.inside.drop.clear()
    assert (await c.deliver()).startswith("250")


async def test_connection_that_broke_before_data_is_replaced(bench):
    """A server closes what idles while a slow client sends: nothing of the message was said to it yet."""
    b = await bench()
    b.inside.script["DATA"] = ["421 4.4.2 timeout", "354 go"]
    c = await b.ready()
    assert (await c.deliver(HELLO, "b@one.example", "c@one.example")).startswith("250")
    assert len(b.inside.messages) == 1
    assert b.inside.connections == 2


async def test_inside_down_then_up(bench):
    b = await bench()
    c = await b.ready()
    await b.inside.stop()
    assert (await c.envelope())[1] == "451 4.4.1 Mail server not available, come again"
    assert b.metrics.counter("revproxy_upstream_failures_total")[("one", "UpstreamError")] == 1
    await b.inside.start(b.inside.port)
    await c.say("RSET")
    assert (await c.deliver()).startswith("250")


# Clients that leave.


async def test_a_client_that_leaves_does_not_cut_a_delivery(bench):
    b = await bench()
    b.inside.hold = asyncio.Event()
    c = await b.ready()
    await c.envelope()
    await c.say("DATA")
    c.writer.write(HELLO + b".\r\n")
    await b.inside.arrived.wait()
    (server,) = b.front._servers
    c.reset()
    await asyncio.wait([server.task])
    assert (b.front.sessions, b.front.deliveries) == (0, 1)
    b.inside.hold.set()
    await b.quiet()
    assert len(b.inside.messages) == 1
    assert b.records.all[-1]["code"] == 250
    await asyncio.wait_for(b.inside.gone.wait(), 10)


async def test_a_client_that_leaves_before_the_verdict_sends_nothing(bench):
    b = await bench()
    b.judge.hold = asyncio.Event()
    c = await b.ready()
    await c.envelope()
    await c.say("DATA")
    c.writer.write(HELLO + b".\r\n")
    await b.judge.began.wait()
    c.reset()
    await b.quiet()
    assert b.inside.messages == []
    assert b"DATA" not in b.inside.lines
    assert b.records.all[-1]["reason"] == "client-left"
    assert b.front._office.memory.used == 0


async def test_a_client_that_only_ends_its_side_gets_its_reply(bench):
    b = await bench()
    b.judge.hold = asyncio.Event()
    c = await b.ready()
    await c.envelope()
    await c.say("DATA")
    c.writer.write(HELLO + b".\r\n")
    c.writer.write_eof()
    await b.judge.began.wait()
    b.judge.hold.set()
    assert (await c.reply()).startswith("250")
    assert await c.ended()
    assert len(b.inside.messages) == 1


async def test_a_client_that_leaves_within_data(bench):
    b = await bench()
    c = await b.ready()
    await c.envelope()
    await c.say("DATA")
    c.writer.write(HELLO)
    await c.close()
    await b.quiet()
    assert b.inside.messages == []
    assert b.records.all[-1]["reason"] == "abandoned"


# Message data.


@pytest.mark.parametrize(
    "body",
    [
        b"a\nb\r\n",
        b"a\rb\r\n",
        b"a\0b\r\n",
        b"a\r\n\n.\n\r\nb\r\n",
        b"a\r.\r\r\n",
        b"a\n.\r\nMAIL FROM:<x@y>\r\n",
        b"a\r\n.\nMAIL FROM:<x@y>\r\n",
        b"a\r\n.\rMAIL FROM:<x@y>\r\n",
        b"a\n.\nMAIL FROM:<x@y>\nRCPT TO:<z@one.example>\nDATA\nevil\n.\n\r\n",
        b"a\r\n\r\r\n",
        b"\n",
    ],
)
async def test_smuggling_is_refused_whole(bench, body):
    b = await bench()
    c = await b.ready()
    await c.envelope()
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    assert await c.message(body) == "550 5.6.0 Bare CR, bare LF or NUL in the message"
    assert b.inside.messages == []
    assert b"DATA" not in b.inside.lines
    assert (await c.deliver()).startswith("250")


async def test_long_lines_and_size(bench):
    b = await bench(replace(Limits(), smtp=SmtpLimits(message_bytes=5_000)))
    c = await b.ready()
    assert (await c.deliver(b"." + b"x" * 998 + b"\r\n")).startswith("250")
    assert await c.deliver(b"x" * 1000 + b"\r\n") == "550 5.6.0 Line too long in the message"
    assert await c.deliver(b"x\r\n" * 2_000) == "552 5.3.4 Message too big"
    assert await c.say("MAIL FROM:<a@b.example> SIZE=5001") == ["552 5.3.4 Message too big"]
    await c.envelope()
    await c.say("DATA")
    c.writer.write(b"x\r\n" * 40_000)
    assert await c.reply() == "552 5.3.4 Message too big"
    assert await c.ended()
    assert len(b.inside.messages) == 1


async def test_memory_is_bounded(bench):
    b = await bench()
    b.front._office.memory.most = 100_000
    c = await b.ready()
    assert await c.deliver(b"x\r\n" * 50_000) == "452 4.3.1 Not enough room, come again"
    assert b.front._office.memory.used == 0
    assert (await c.deliver()).startswith("250")


async def test_eight_bit_data_for_an_inside_that_takes_none(bench):
    b = await bench()
    b.inside.extensions = ("PIPELINING",)
    c = await b.ready()
    for body, code in ((b"\xc3\xa4\r\n", "554"), (b"a\r\n", "250")):
        await c.say("MAIL FROM:<a@out.example> BODY=8BITMIME SIZE=100", "RCPT TO:<b@one.example>")
        assert (await c.message(body))[:3] == code
    assert b"MAIL FROM:<a@out.example>" in b.inside.lines


# The order of commands.


async def test_order(bench):
    b = await bench()
    c = await b.client()
    await c.reply()
    replies = await c.say(
        "MAIL FROM:<a@b.example>", "EHLO client.example", "RCPT TO:<b@one.example>", "DATA",
        "MAIL FROM:<a@b.example>",
        "MAIL FROM:<a@b.example>", "DATA", "RSET", "NOOP x", "VRFY root", "HELP",
    )  # fmt: skip
    assert [r[-250:][:3] for r in replies] == [
        "503",
        "250",
        "503",
        "503",
        "250",
        "503",
        "503",
        "250",
        "250",
        "252",
        "502",
    ]


async def test_more_orders(bench):
    b = await bench()
    c = await b.ready()
    replies = await c.say("EXPN all", "AUTH PLAIN x", "BDAT 5", "XYZZY", "QUIT now", "DATA x", "STARTTLS")
    assert [r[:3] for r in replies] == ["502", "502", "502", "500", "501", "503", "502"]


async def test_helo_has_no_extensions(bench):
    b = await bench()
    c = await b.client()
    await c.reply()
    replies = await c.say("HELO client.example", "MAIL FROM:<a@b.example> SIZE=3", "MAIL FROM:<a@b.example>")
    assert replies == ["250 mx.example", "555 5.5.4 Parameter not supported", "250 2.1.0 Ok"]
    await c.say("RCPT TO:<b@one.example>")
    await c.message()
    assert b" with SMTP id " in b.inside.messages[0]


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "x>y", "[1.2.3]", "-a", "a" * 300, "ü"])
async def test_bad_helo(bench, name):
    b = await bench()
    c = await b.client()
    await c.reply()
    assert (await c.say(f"EHLO {name}"))[0][:3] in ("501", "500")


async def test_smtputf8_only_when_the_inside_has_it(bench):
    b = await bench()
    c = await b.ready()
    assert (await c.say("MAIL FROM:<a@b.example> SMTPUTF8"))[0].startswith("250")
    assert (await c.say("RCPT TO:<b@one.example>"))[0].startswith("553 5.6.7")
    await c.say("RSET")
    for inside in (b.inside, b.other):
        inside.extensions += ("SMTPUTF8",)
    assert "SMTPUTF8" not in (await c.say("EHLO client.example"))[0]
    await b.front.learn()
    assert "SMTPUTF8" in (await c.say("EHLO client.example"))[0]
    assert (await c.say("MAIL FROM:<ä@b.example>"))[0].startswith("553 5.6.7")
    assert (await c.say("MAIL FROM:<ä@b.example> SMTPUTF8", "RCPT TO:<ö@one.example>"))[1].startswith("250")
    assert (await c.message("Subject: ä\r\n".encode())).startswith("250")
    assert b" with UTF8SMTP id " in b.inside.messages[0]


async def test_limits_of_recipients_and_messages(bench):
    b = await bench(replace(Limits(), smtp=SmtpLimits(recipients=2, messages_per_session=2)))
    c = await b.ready()
    replies = await c.envelope("a@one.example", "b@one.example", "c@one.example")
    assert replies[3] == "452 4.5.3 Too many recipients"
    await c.message()
    await c.deliver()
    assert (await c.envelope())[0].startswith("421 4.7.0")
    assert await c.ended()


async def test_an_envelope_that_came_to_nothing_is_recorded(bench):
    b = await bench()
    c = await b.ready()
    await c.envelope("x@other.example")
    await c.say("QUIT")
    await b.quiet()
    (record,) = b.records.all
    assert (record["verdict"], record["reason"], record["code"]) == ("reject", "relay", 550)


async def test_a_large_message_comes_through_whole_and_off_the_loop(bench, monkeypatch):
    b = await bench()
    c = await b.ready()
    threads = []
    real = DataReader.message

    def message(self):
        threads.append(threading.current_thread())
        return real(self)

    monkeypatch.setattr(DataReader, "message", message)
    body = b"Subject: x\r\n\r\n" + b".dot\r\n..\r\n" * 30_000
    assert (await c.deliver(body.replace(b"\r\n.", b"\r\n.."))).startswith("250")
    assert b.inside.messages[0].endswith(body)
    assert (await c.deliver()).startswith("250")
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()
