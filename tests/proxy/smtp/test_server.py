"""Lines, blocks, deadlines, counts, TLS and draining of one client's connection."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import replace

import pytest
import trustme

from revproxy.model import Caps, Limits, SmtpLimits, Timeouts

HELLO = b"Subject: x\r\n\r\nhello\r\n"


def timeouts(**seconds: float) -> Limits:
    return replace(Limits(), timeouts=replace(Timeouts(), **seconds))


# Lines.


@pytest.mark.parametrize(
    "line",
    [
        b"NOOP\n",
        b"NO\rOP\r\n",
        b"NOOP\0\r\n",
        b"NOOP\r\r\n",
        b"\n",
        b"MAIL FROM:<a@b.example>\nRCPT TO:<b@one.example>\r\n",
    ],
)
async def test_broken_lines_end_the_session(bench, line):
    b = await bench()
    c = await b.ready()
    assert await c.send(line) == "500 5.5.2 Bare CR, bare LF or NUL in a command"
    assert await c.ended()
    await b.quiet()
    assert b.records.all[-1]["reason"] == "bare-control"


async def test_long_lines(bench):
    b = await bench()
    c = await b.ready()
    assert (await c.send(b"NOOP " + b"x" * 505 + b"\r\n")).startswith("250")
    assert await c.send(b"NOOP " + b"x" * 506 + b"\r\n") == "500 5.5.2 Command line too long"
    assert await c.send(b"x" * 200_000) == "500 5.5.2 Command line too long"
    assert await c.ended()


async def test_bytes_that_are_no_command(bench):
    b = await bench()
    c = await b.ready()
    for line in (b"\r\n", b" NOOP\r\n", b"\xff\xfe\r\n", b"N00P\r\n", b"GET / HTTP/1.1\r\n"):
        assert (await c.send(line))[:3] == "500"


async def test_pregreet(bench):
    b = await bench()
    # In the socket before the server accepts: the loop has had no turn in between.
    reader, writer = await asyncio.open_connection("127.0.0.1", b.port)
    writer.write(b"EHLO client.example\r\n")
    assert (await reader.read())[:40] == b"554 5.5.1 Talking before the greeting\r\n"
    writer.close()
    await b.quiet()
    assert b.records.all[0]["reason"] == "pregreet"


@pytest.mark.parametrize(
    ("helo", "group"),
    [
        (b"EHLO x\r\n", b"RSET\r\nDATA\r\nSubject: x\r\n"),
        (b"EHLO x\r\n", b"EHLO y\r\nMAIL FROM:<>\r\n"),
        (b"HELO x\r\n", b"MAIL FROM:<>\r\nRCPT TO:<b@one.example>\r\n"),
    ],
)
async def test_unauthorised_pipelining(bench, helo, group):
    b = await bench()
    c = await b.client()
    await c.reply()
    await c.send(helo)
    replies = [await c.send(group)]
    while reply := await c.reply():
        replies.append(reply)
    assert replies[-1] == "503 5.5.1 Command must be the last one of a group"
    assert b.inside.lines == []


# Counts.


async def test_errors_and_commands(bench):
    b = await bench(replace(Limits(), smtp=SmtpLimits(errors=3, commands=20)))
    c = await b.ready()
    assert [r[:3] for r in await c.say("X", "X", "X")] == ["500"] * 3
    assert await c.reply() == "421 4.7.0 Too many errors"
    assert await c.ended()
    c = await b.ready()
    replies = await c.say(*["NOOP"] * 20)
    assert replies[-1] == "421 4.7.0 Too many commands"
    assert await c.ended()


async def test_caps_on_connections(bench):
    b = await bench(replace(Limits(), caps=Caps(connections_per_address=2)))
    await b.ready()
    second = await b.ready()
    third = await b.client()
    assert await third.reply() == "421 4.7.0 Too many connections, come again"
    assert await third.ended()
    await second.say("QUIT")
    assert await second.ended()
    assert (await (await b.client()).reply()).startswith("220")
    assert b.metrics.counter("revproxy_refused_total")[("connections",)] == 1


# Deadlines.


async def test_an_idle_client_is_told(bench):
    b = await bench(timeouts(smtp_command=0.5))
    c = await b.ready()
    assert await c.reply() == "421 4.4.2 Timeout"
    assert await c.ended()


async def test_a_session_ends_however_busy(bench):
    b = await bench(replace(timeouts(smtp_session=0.1), smtp=SmtpLimits(commands=1_000_000)))
    c = await b.client()
    await c.reply()
    reply = ""
    async with asyncio.timeout(5):
        while not reply.startswith("421"):
            reply = await c.send(b"NOOP\r\n")
            assert reply
    assert reply == "421 4.4.2 Session has lasted too long"


async def test_data_has_a_deadline(bench):
    b = await bench(timeouts(smtp_data=0.05))
    c = await b.ready()
    await c.envelope()
    assert (await c.say("DATA"))[0].startswith("354")
    assert await c.send(b"Subject: x\r\n") == "421 4.4.2 Timeout"
    assert await c.ended()
    await b.quiet()
    assert b.inside.messages == []
    assert b.front._office.memory.used == 0


async def test_a_message_that_trickles_has_a_deadline_too(bench):
    b = await bench(timeouts(smtp_data=30.0, smtp_data_total=0.05))
    c = await b.ready()
    await c.envelope()
    assert (await c.say("DATA"))[0].startswith("354")
    assert await c.send(b"Subject: x\r\n") == "421 4.4.2 Timeout"


async def test_a_message_that_keeps_coming_is_not_cut_off(bench):
    b = await bench(timeouts(smtp_data=0.5))
    c = await b.ready()
    await c.envelope()
    assert (await c.say("DATA"))[0].startswith("354")
    before = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() < before + 0.8:
        c.writer.write(b"x\r\n")
        await asyncio.sleep(0.05)
    assert (await c.send(b".\r\n")).startswith("250")


# Faults of ours.


async def test_an_exception_is_not_shown(bench, caplog):
    b = await bench()
    c = await b.ready()

    async def broken(*_args: object) -> None:
        raise ValueError("db password=secret")

    b.judge.inspect = broken
    with caplog.at_level(logging.CRITICAL, "revproxy.mail"):
        assert await c.deliver() == "451 4.3.0 Local error, come again"
        assert await c.ended()
    await b.quiet()
    assert b.inside.messages == []
    assert b.front._office.memory.used == 0


# TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mx.example").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_starttls(bench, server_tls, client_tls):
    b = await bench(tls=server_tls)
    c = await b.client()
    assert "250 STARTTLS" in await c.hello()
    assert await c.say("STARTTLS now") == ["501 5.5.4 No argument allowed"]
    await c.envelope()
    assert await c.say("STARTTLS") == ["220 2.0.0 Ready to start TLS"]
    await c.writer.start_tls(client_tls, server_hostname="mx.example")
    # All is forgotten (RFC 3207 4.2).
    assert await c.say("MAIL FROM:<a@out.example>") == ["503 5.5.1 Send EHLO first"]
    assert "STARTTLS" not in (await c.say("EHLO client.example"))[0]
    assert await c.say("STARTTLS") == ["503 5.5.1 TLS is on already"]
    assert (await c.deliver(b"x" * 900 + b"\r\n" + b"y\r\n" * 100_000)).startswith("250")
    assert b" with ESMTPS id " in b.inside.messages[0]
    assert b.records.all[-1]["tls"] is True
    assert await c.say("QUIT") == ["221 2.0.0 Bye"]


async def test_bytes_before_the_handshake_are_thrown_away(bench, server_tls, client_tls):
    b = await bench(tls=server_tls)
    c = await b.client()
    await c.hello()
    reply = await c.send(b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@out.example>\r\n")
    assert reply.startswith("220")
    await c.writer.start_tls(client_tls, server_hostname="mx.example")
    # Were any of them read, this would be the reply to it.
    assert await c.say("NOOP") == ["250 2.0.0 Ok"]
    assert await c.say("MAIL FROM:<a@out.example>") == ["503 5.5.1 Send EHLO first"]


async def test_a_failed_handshake_ends_the_session(bench, server_tls):
    b = await bench(tls=server_tls)
    c = await b.client()
    await c.hello()
    assert (await c.say("STARTTLS"))[0].startswith("220")
    c.writer.write(b"EHLO this is no client hello\r\n" * 10)
    async with asyncio.timeout(5):
        await c.reader.read()
    await b.quiet()
    assert b.front.sessions == 0


async def test_tls_from_the_first_byte(bench, server_tls, client_tls):
    b = await bench(tls=server_tls, starttls=False)
    c = await b.client(client_tls)
    assert "STARTTLS" not in await c.hello()
    assert (await c.deliver()).startswith("250")
    assert b" with ESMTPS id " in b.inside.messages[0]


# Draining.


async def test_drain(bench):
    b = await bench()
    idle, busy = await b.ready(), await b.ready()
    await busy.envelope()
    b.front.begin_drain(idle_seconds=0)
    assert await idle.reply() == "421 4.3.2 Service is restarting, come again"
    assert await idle.ended()
    assert not await b.front.drained(0.01)
    assert (await busy.message()).startswith("250")
    assert await busy.reply() == "421 4.3.2 Service is restarting, come again"
    assert await busy.ended()
    assert await b.front.drained(5)
    assert b.front.sessions == 0


async def test_draining_a_session_goes_on_until_it_pauses(bench):
    """smtp-source, and every sender with more to say: being cut off would make it come back much later."""
    b = await bench()
    fresh, c = await b.client(), await b.ready()
    b.front.begin_drain(idle_seconds=0.2)
    for _ in range(3):
        assert (await c.deliver()).startswith("250")
    await fresh.hello()
    assert (await fresh.deliver()).startswith("250")
    for client in (c, fresh):
        assert await client.reply() == "421 4.3.2 Service is restarting, come again"
        assert await client.ended()
    assert await b.front.drained(5)
    assert len(b.inside.messages) == 4


async def test_draining_a_session_begins_no_message_after_the_last_call(bench):
    b = await bench(drain_seconds=0)
    c = await b.ready()
    await c.envelope()
    b.front.begin_drain()
    assert (await c.message()).startswith("250")
    assert await c.reply() == "421 4.3.2 Service is restarting, come again"
    assert await c.ended()
    assert await b.front.drained(5)


async def test_drain_waits_for_deliveries_of_clients_that_left(bench):
    b = await bench()
    b.inside.hold = asyncio.Event()
    c = await b.ready()
    await c.envelope()
    await c.say("DATA")
    c.writer.write(HELLO + b".\r\n")
    await b.inside.arrived.wait()
    b.front.begin_drain()
    c.reset()
    assert not await b.front.drained(0.01)
    b.inside.hold.set()
    assert await b.front.drained(5)
    assert len(b.inside.messages) == 1
