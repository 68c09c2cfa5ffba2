"""The internal mail server keeps what it gets, tells how many, and forgets the oldest."""

from __future__ import annotations

import asyncio
import hashlib
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiosmtpd.smtp import Envelope

from revproxy.demo import mail
from revproxy.demo.mail import Mailbox

MESSAGE = b"Subject: lunch\r\n\r\nSee you at noon.\r\n"


@asynccontextmanager
async def served(mailbox: Mailbox) -> AsyncIterator[Callable[[str, bytes], tuple[int, bytes]]]:
    """`send(recipient, message)`: the reply to the message; blocking, for a thread."""
    server = await asyncio.get_running_loop().create_server(mailbox.protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    def send(to: str, message: bytes) -> tuple[int, bytes]:
        with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=20) as session:
            session.ehlo()
            session.mail("ada@example.net")
            session.rcpt(to)
            return session.data(message)

    async with server:
        yield send


async def told(mailbox: Mailbox) -> dict:
    async with TestClient(TestServer(mailbox.application())) as client:
        answer = await client.get("/")
        assert answer.status == 200
        return await answer.json()


async def test_a_message_is_kept_and_told() -> None:
    mailbox = Mailbox()
    assert await told(mailbox) == {"messages": 0, "last": []}
    async with served(mailbox) as send:
        for number in (1, 2):
            reply = await asyncio.to_thread(send, "anyone@anywhere.example", MESSAGE)
            assert reply == (250, b"2.0.0 kept as number %d" % number)
    got = await told(mailbox)
    assert got["messages"] == 2
    assert got["last"][0] == {
        "from": "ada@example.net",
        "to": ["anyone@anywhere.example"],
        "bytes": len(MESSAGE),
        "sha256": hashlib.sha256(MESSAGE).hexdigest(),
        "head": "Subject: lunch",
    }


async def test_it_keeps_so_many_and_counts_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_MOST_KEPT", 15)
    mailbox, envelope = Mailbox(), Envelope()
    for number in range(20):
        envelope.content = b"Subject: %d\r\n\r\n" % number
        await mailbox.handle_DATA(mailbox.protocol(), None, envelope)
    assert len(mailbox.messages) == 15
    got = await told(mailbox)
    assert got["messages"] == 20
    assert [kept["head"] for kept in got["last"]] == [f"Subject: {number}" for number in range(10, 20)]


@pytest.mark.parametrize("content", [None, "text\r\n\r\n", b"\xff\r\n\r\n\xff"])
async def test_any_content_is_kept(content: str | bytes | None) -> None:
    mailbox, envelope = Mailbox(), Envelope()
    envelope.content = content
    assert await mailbox.handle_DATA(mailbox.protocol(), None, envelope) == "250 2.0.0 kept as number 1"
    assert mailbox.messages[0]["bytes"] == len(content or b"")
