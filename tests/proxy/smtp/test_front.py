"""The front as `app` uses it: swapped, drained, closed; on uvloop too."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading

import trustme
import uvloop

from revproxy.audit import Metrics
from revproxy.config.settings import Address, Listener, ListenerKind, ListenerTls, Mail, Settings
from revproxy.net import DirectDialer
from revproxy.proxy.smtp import SmtpFront


async def test_swap(bench):
    b = await bench()
    c = await b.ready()
    await c.envelope()
    other = type(b.judge)()
    b.front.swap(other)
    await c.message()
    assert (len(b.judge.seen), len(other.seen)) == (0, 1)


async def test_close_cuts_off(bench):
    b = await bench()
    c = await b.ready()
    assert b.front.sessions == 1
    b.front.close()
    assert await c.ended()
    await b.quiet()
    assert b.front.sessions == 0
    assert b.front._connections.total == 0


def test_starttls_on_uvloop():
    """uvloop has a TLS of its own: the upgrade must work there, where it is used."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    replies: list[object] = []

    def talk(port: int) -> None:
        with smtplib.SMTP("localhost", port, timeout=10) as smtp:
            smtp.starttls(context=client)
            replies.append(smtp.ehlo("client.example")[0])
            replies.append(smtp.mail("a@out.example")[0])

    async def main() -> None:
        listener = Listener("mx", ListenerKind.SMTP, Address("127.0.0.1", 0), tls=ListenerTls(()))
        records = type("Records", (), {"access": staticmethod(len), "audit": staticmethod(len)})()
        front = SmtpFront(
            Settings((listener,), (), mail=Mail("mx.example")),
            listener,
            type("Judge", (), {"set_name": ""})(),
            records,
            Metrics(),
            DirectDialer(()),
            tls=server,
        )
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(front.protocol_factory, "127.0.0.1", 0)
        await asyncio.to_thread(talk, listening.sockets[0].getsockname()[1])
        listening.close()
        front.begin_drain()
        assert await front.drained(10)

    uvloop.run(main())
    assert replies == [250, 550]
    assert threading.active_count() < 50
