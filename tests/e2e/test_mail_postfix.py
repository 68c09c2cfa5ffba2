"""Mail through the front end to a real Postfix, sent by swaks: what a postmaster would try first.

Postfix runs as a private instance on a free port of loopback, with directories of its own, and trusts everything
that comes from this machine: what it would relay is the front end's to refuse.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable

import pytest
from attacks import EICAR
from servers import Postfix

from revproxy.audit import Metrics
from revproxy.config.settings import (
    Address,
    ClientAddress,
    Listener,
    ListenerKind,
    Mail,
    MailDomain,
    Settings,
    Upstream,
)
from revproxy.inspection import Policy
from revproxy.model import ALLOWED, Action, Phase, Transaction, Verdict
from revproxy.net import DirectDialer
from revproxy.proxy.smtp import SmtpFront

pytestmark = pytest.mark.e2e


async def arrival(postfix: Postfix, count: int) -> list[bytes]:
    """Postfix delivers after its 250: until so many messages are there."""
    async with asyncio.timeout(20):
        while len(found := postfix.delivered()) < count:  # noqa: ASYNC110 - another program's directory
            await asyncio.sleep(0.05)
    return found


class Judge:
    """Refuses what carries EICAR or is named like a program: the rules have tests of their own."""

    set_name = "test-set"

    async def inspect(
        self, transaction: Transaction, first: Phase, last: Phase, policy: Policy, size: int = 0
    ) -> Verdict:
        fields = transaction.fields
        names = [*fields.values("files"), *fields.values("archive.names")]
        bad = any(EICAR in c for c in fields.values("files.content")) or any(n.endswith(b".exe") for n in names)
        return Verdict(Action.DENY, 5, "score") if bad else ALLOWED


class Records:
    def __init__(self) -> None:
        self.access = self.audit = lambda _line: None
        self.error = None


@pytest.fixture
async def front(need: Callable[..., None], postfix: Postfix) -> AsyncIterator[int]:
    """The port of a mail front before Postfix."""
    need("swaks")
    upstream = Upstream("store", Address("127.0.0.1", postfix.port), client_address=ClientAddress.XCLIENT)
    listener = Listener("mx", ListenerKind.SMTP, Address("127.0.0.1", 0))
    settings = Settings((listener,), (upstream,), mail=Mail("mx.example", (MailDomain("one.example", "store"),)))
    made = SmtpFront(settings, listener, Judge(), Records(), Metrics(), DirectDialer((upstream,)))
    await made.learn()
    server = await asyncio.get_running_loop().create_server(made.protocol_factory, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    made.begin_drain()
    assert await made.drained(10)


async def swaks(port: int, *options: str) -> tuple[int, str]:
    """Send a message; swaks' exit code and the dialogue."""
    sender = await asyncio.create_subprocess_exec(
        "swaks", "--server", "127.0.0.1", "--port", str(port), "--helo", "client.example",
        "--from", "a@out.example", "--timeout", "15", *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await sender.communicate()
    return sender.returncode or 0, out.decode("utf-8", "replace")


async def test_a_clean_message_and_the_reply_of_the_inside(front, postfix):
    before = len(postfix.delivered())
    code, dialogue = await swaks(front, "--to", "user@one.example", "--h-Subject", "clean", "--body", "hello\n.dot\n")
    assert code == 0, dialogue
    assert "<-  250 2.0.0 Ok" in dialogue
    assert "store7" not in dialogue
    assert "Postfix" not in dialogue
    messages = await arrival(postfix, before + 1)
    message = next(m for m in messages if b"Subject: clean" in m)
    assert b"by mx.example with ESMTP id" in message
    # XCLIENT: Postfix' own Received names the client, not the front end.
    assert b"from client.example (unknown [127.0.0.1])" in message
    assert b"\n.dot\n" in message


@pytest.mark.parametrize(
    "recipient",
    ["x@elsewhere.example", "x%elsewhere.example@one.example", "elsewhere.example!x@one.example",
     '"x@elsewhere.example"@one.example', "@one.example:x@elsewhere.example"],
)  # fmt: skip
async def test_no_relay_though_postfix_trusts_us(front, recipient):
    code, dialogue = await swaks(front, "--to", recipient)
    assert code != 0
    assert "<** 55" in dialogue


async def test_the_inside_refuses_a_recipient(front):
    code, dialogue = await swaks(front, "--to", "nobody@one.example")
    assert code == 24, dialogue
    assert "<** 550 5.1.1 " in dialogue
    assert "nobody" not in dialogue.partition("<** 550")[2].partition("\n")[0]


async def test_hostile_attachments(front, postfix, tmp_path):
    before = len(postfix.delivered())
    eicar, program = tmp_path / "eicar.com", tmp_path / "invoice.pdf.exe"
    eicar.write_bytes(EICAR)
    program.write_bytes(b"MZ" + b"\0" * 100)
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "eicar.com")
    for path in (eicar, program, packed):
        code, dialogue = await swaks(front, "--to", "user@one.example", "--attach", f"@{path}")
        assert code == 26, dialogue
        assert "<** 550 5.7.1 Message refused by policy, id " in dialogue
    assert len(postfix.delivered()) == before


async def test_postfix_stopped_and_started(front, postfix):
    before = len(postfix.delivered())
    postfix.command("stop")
    try:
        code, dialogue = await swaks(front, "--to", "user@one.example")
        assert code == 24
        assert "<** 451 4.4.1 " in dialogue
    finally:
        postfix.command("start")
    code, dialogue = await swaks(front, "--to", "user@one.example", "--h-Subject", "again")
    assert code == 0, dialogue
    assert len(await arrival(postfix, before + 1)) == before + 1


async def test_a_large_message_arrives_whole(front, postfix, tmp_path):
    before = len(postfix.delivered())
    body = tmp_path / "body"
    body.write_text("".join(f".line {n} {'x' * 60}\n" for n in range(50_000)))
    code, dialogue = await swaks(front, "--to", "user@one.example", "--body", f"@{body}", "--suppress-data")
    assert code == 0, dialogue[-2000:]
    messages = await arrival(postfix, before + 1)
    assert body.read_bytes() in max(messages, key=len)
