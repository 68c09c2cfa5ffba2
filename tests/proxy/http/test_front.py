"""A listener: caps, trusted proxies, TLS, and its end."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import pytest
import trustme
from harness import World, get, limited, world


@pytest.mark.parametrize("cap", ["connections", "connections_per_address"])
async def test_over_a_cap_is_503(cap: str) -> None:
    async with world(limits=limited(caps={cap: 1, "retry_after": 3})) as made:
        first = await made.call()
        assert (await first.ask(get())).status == 200
        over = await made.call()
        got = await over.answer()
        assert (got.status, got.get(b"retry-after"), got.get(b"connection")) == (503, b"3", b"close")
        assert await over.rest() == b""
        assert (await first.ask(get())).status == 200
        first.close()
        await _until_free(made)
        assert (await made.ask(get())).status == 200


async def _until_free(made: World) -> None:
    async with asyncio.timeout(5):
        while made.connections.total:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.001)


async def test_stop_accepting_leaves_the_socket_to_others() -> None:
    async with world() as made:
        made.front.stop_accepting()
        caller = await made.call()
        caller.send(get())
        await made.front.drain(1.0)
        made.site.draining = False
        made.front.start(made.sock, 16)
        assert (await caller.answer()).status == 200


async def test_drain_closes_idle_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("front", "connection"):
        monkeypatch.setattr(f"revproxy.proxy.http.{module}.DRAIN_IDLE_SECONDS", 0.1, raising=False)
    monkeypatch.setattr("revproxy.proxy.http.front._DRAIN_IDLE_SECONDS", 0.1, raising=False)
    async with world() as made:
        caller = await made.call()
        await caller.ask(get())
        made.front.stop_accepting()
        async with asyncio.timeout(3):
            await made.front.drain(30.0)
        assert await caller.rest() == b""


TRUSTED = [
    ((), b"192.0.2.1", "127.0.0.1", b"127.0.0.1"),
    (("127.0.0.0/8",), b"192.0.2.1", "192.0.2.1", b"192.0.2.1, 127.0.0.1"),
    (("127.0.0.0/8",), b"6.6.6.6, 192.0.2.1, 127.0.0.9", "192.0.2.1", b"6.6.6.6, 192.0.2.1, 127.0.0.9, 127.0.0.1"),
    (("192.0.2.0/24",), b"192.0.2.1", "127.0.0.1", b"127.0.0.1"),
]


@pytest.mark.parametrize(("trusted", "said", "client", "chain"), TRUSTED)
async def test_whom_a_proxy_speaks_for(trusted: tuple[str, ...], said: bytes, client: str, chain: bytes) -> None:
    async with world(trusted=trusted) as made:
        await made.ask(get(b"/", b"X-Forwarded-For: " + said, b"X-Forwarded-Proto: https", b"Forwarded: for=6.6.6.6"))
        [asked] = made.inside.requests
        assert asked.get(b"x-forwarded-for") == chain
        assert asked.get(b"x-forwarded-proto") == b"http"
        assert asked.get(b"forwarded") == b'for=127.0.0.1;proto=http;host="site.example"'
        assert (await made.records.record())["client"] == client


async def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("site.example").configure_cert(server)
    authority.configure_trust(client)
    async with world(tls=server) as made:
        caller = await made.call(ssl=client, server_hostname="site.example")
        for _ in range(2):
            assert (await caller.ask(get())).status == 200
        assert made.inside.requests[0].get(b"x-forwarded-proto") == b"https"
        with pytest.raises((OSError, ssl.SSLError)):
            await made.call(ssl=ssl.create_default_context(), server_hostname="site.example")


async def test_metrics_count(plain: World) -> None:
    await plain.ask(get())
    await plain.ask(get(b"/?q=attack-1"))
    await plain.ask(b"GET / HTTP/1.1\r\n\r\n")
    await plain.records.record(3)
    text = json.dumps(plain.metrics.snapshot(), default=str)
    for word in ("revproxy_requests_total", "2xx", "4xx", "deny", "reject", "no-host"):
        assert word in text
