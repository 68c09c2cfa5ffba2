"""Towards the inside: kept connections, retries, and servers that lie, hang or are away."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from harness import Asked, Close, World, get, limited, ok, post, world

from revproxy.config.settings import UpstreamTls

SMUGGLED = ok(b"smuggled")
HEAD = b"HTTP/1.1 200 OK\r\n"
LIES = {
    "both framings": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length list": HEAD + b"Content-Length: 5, 5\r\n\r\nhello",
    "signed length": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello\r\n\r\n",
    "one bare LF": HEAD + b"X: a\nContent-Length: 5\r\n\r\nhello",
    "bare CR": HEAD + b"X: a\rb\r\nContent-Length: 5\r\n\r\nhello",
    "NUL": HEAD + b"X: a\0b\r\nContent-Length: 5\r\n\r\nhello",
    "folded": HEAD + b"X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    "space before colon": HEAD + b"Content-Length : 5\r\n\r\nhello",
    "gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status 600": b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "interim without end": b"HTTP/1.1 102 Processing\r\n\r\n" * 30,
    "head too large": HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n",
    "too many fields": HEAD + b"X: a\r\n" * 101 + b"\r\n",
    "chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "chunk end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    "chunk with bare LF": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lying_answer_is_502(plain: World, lie: str) -> None:
    plain.inside.script = [LIES[lie]]
    caller = await plain.call()
    got = await caller.ask(get())
    record = await plain.records.record()
    assert got.status == 502
    assert record["id"].encode() in got.body
    assert (record["status"], record["verdict"]) == (502, "allow")
    assert record["reason"]
    # The connection on which it lied serves nobody any more; the client's is as good as before.
    assert (await caller.ask(get())).body == b"inside"
    assert plain.inside.connections == 2


CUT = {
    "no answer": b"",
    "within a head": HEAD + b"Content-",
    "before the length": HEAD + b"Content-Length: 5\r\n\r\nhel",
    "within a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "before the last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "after an interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_an_answer_cut_short_is_502(plain: World, cut: str, method: bytes) -> None:
    plain.inside.script = [Close(CUT[cut])]
    got = await plain.ask(get(method=method))
    assert got.status == 502
    assert len(plain.inside.requests) == 1, "only a request on a kept connection is sent again"


@pytest.mark.parametrize("extra", [SMUGGLED, b"\r\n", b"x", b"0\r\n\r\n"])
@pytest.mark.parametrize(
    "answer",
    [
        ok(b"first"),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    ],
)
async def test_bytes_after_an_answer_reach_nobody(plain: World, answer: bytes, extra: bytes) -> None:
    plain.inside.script = [answer + extra]
    caller = await plain.call()
    first = await caller.ask(get(b"/1"))
    second = await caller.ask(get(b"/2"))
    assert first.body in (b"first", b"")
    assert second.body == b"inside"
    assert plain.inside.connections == 2


async def test_interim_answers_are_swallowed(plain: World) -> None:
    plain.inside.script = [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + ok(b"real"),
    ]
    caller = await plain.call()
    got = await caller.ask(post(b"a=b"))
    assert (got.status, got.interim, got.body) == (200, [], b"real")
    assert (await caller.ask(get())).status == 200
    assert plain.inside.connections == 1


# Kept connections.

STALE = [
    (get(), 200, 3),
    (get(method=b"HEAD"), 200, 3),
    (get(method=b"PROPFIND"), 200, 3),
    (get(b"/", b"Content-Length: 3", method=b"PUT") + b"a=b", 200, 3),
    (post(b"a=b"), 502, 2),
    (get(b"/", b"Content-Length: 0", method=b"POST"), 502, 2),
    (get(method=b"LOCK"), 502, 2),
]


@pytest.mark.parametrize(("request_", "status", "sent"), STALE)
async def test_a_stale_connection(plain: World, request_: bytes, status: int, sent: int) -> None:
    """It is found dead only after the request was written: sent again where that does no harm."""
    plain.inside.script = [ok(), Close()]
    caller = await plain.call()
    assert (await caller.ask(get(b"/first"))).status == 200
    assert (await caller.ask(request_)).status == status
    assert len(plain.inside.requests) == sent
    if sent == 3:
        first, second = plain.inside.requests[1:]
        assert (first.raw, first.connection, second.connection) == (second.raw, 0, 1)


async def test_a_request_is_sent_again_only_once(plain: World) -> None:
    plain.inside.script = [ok(), Close(), Close()]
    caller = await plain.call()
    await caller.ask(get(b"/first"))
    assert (await caller.ask(get())).status == 502
    assert len(plain.inside.requests) == 3


async def test_nothing_is_sent_again_once_an_answer_began(plain: World) -> None:
    plain.inside.script = [ok(), Close(b"HTTP/1.1 2")]
    caller = await plain.call()
    await caller.ask(get(b"/first"))
    assert (await caller.ask(get())).status == 502
    assert len(plain.inside.requests) == 2


async def test_a_connection_that_ended_while_idle_is_not_used(plain: World) -> None:
    plain.inside.script = [Close(ok())]
    caller = await plain.call()
    assert (await caller.ask(get())).status == 200
    await plain.inside.left()
    assert (await caller.ask(post(b"a=b"))).status == 200


@pytest.mark.parametrize("line", [b"Connection: close", b"Connection: x, Close"])
async def test_a_connection_that_the_inside_closes_is_not_kept(plain: World, line: bytes) -> None:
    plain.inside.usual = ok(b"a", b"text/plain", line)
    caller = await plain.call()
    for _ in range(2):
        got = await caller.ask(get())
        assert (got.status, got.get(b"connection")) == (200, None)
    assert plain.inside.connections == 2


async def test_http_1_0_inside(plain: World) -> None:
    plain.inside.usual = Close(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold")
    caller = await plain.call()
    for _ in range(2):
        got = await caller.ask(get())
        assert (got.body, got.get(b"content-length")) == (b"old", b"3")
    assert plain.inside.connections == 2


# Servers that are away, slow or full.


async def test_refused_is_502(plain: World) -> None:
    await plain.inside.stop()
    caller = await plain.call()
    for number in (1, 2):
        got = await caller.ask(get())
        assert (got.status, got.get(b"connection")) == (502, None)
        assert (await plain.records.record(number))["reason"] == "upstream-failed"
    assert plain.pool.total == 0


async def test_slow_is_504() -> None:
    async with world(limits=limited(timeouts={"upstream_response": 0.2})) as made:

        async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        made.inside.script = [never]
        got = await made.ask(get())
        record = await made.records.record()
        assert (got.status, record["reason"], record["verdict"]) == (504, "upstream-timeout", "allow")
        await made.inside.left()
        assert (await made.ask(get())).status == 200


async def test_slow_within_the_body_is_504_when_held_and_cut_when_streamed() -> None:
    async with world(limits=limited(timeouts={"upstream_idle": 0.2})) as made:

        def stalls(content_type: bytes) -> object:
            async def stall(asked: Asked, writer: asyncio.StreamWriter) -> None:
                writer.write(HEAD + b"Content-Type: %b\r\nContent-Length: 999999\r\n\r\nsome" % content_type)
                await asyncio.Event().wait()

            return stall

        made.inside.script = [stalls(b"text/html"), stalls(b"image/x")]  # type: ignore[list-item]
        assert (await made.ask(get())).status == 504
        got = await made.ask(get())
        assert (got.status, got.body, got.complete) == (200, b"some", False)


async def test_a_full_pool_is_503() -> None:
    limits = limited(timeouts={"pool_wait": 0.2}, caps={"retry_after": 9})
    async with world(limits=limits, upstream={"connections": 1}) as made:
        go = asyncio.Event()

        async def wait(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(ok(b"first"))

        made.inside.script = [wait]
        first = await made.call()
        first.send(get())
        await made.inside.arrived(1)
        got = await made.ask(get())
        assert (got.status, got.get(b"retry-after")) == (503, b"9")
        go.set()
        assert (await first.answer()).body == b"first"
        assert (await made.ask(get())).status == 200
        assert made.inside.connections == 1
        assert (await made.records.record())["reason"] == "pool_full"


async def test_who_waits_for_the_pool_is_served() -> None:
    async with world(upstream={"connections": 2}) as made:
        answers = await asyncio.gather(*(made.ask(get(b"/%d" % number)) for number in range(20)))
        assert [got.status for got in answers] == [200] * 20
        assert made.inside.connections <= 2


async def test_an_early_answer_to_an_upload_is_heard() -> None:
    async with world(limits=limited(http={"body_memory_bytes": 1000})) as made:
        made.inside.head_only = True
        made.inside.usual = Close(ok(b"enough", status=b"413 Content Too Large"))
        body = b"z" * 900
        assert (await made.ask(post(body, b"image/x"))).status in (413, 502)


async def test_tls_inside_is_verified(tmp_path: Path) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for authority, name, status in (
        (ours, "inside.example", 200),
        (ours, "other.example", 502),
        (theirs, "inside.example", 502),
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        tls = UpstreamTls(ca=str(tmp_path / "ca.pem"), name="inside.example")
        made = World(upstream={"tls": tls})
        await made.inside.start(ssl=context)
        await made.start()
        try:
            assert (await made.ask(get())).status == status
            assert bool(made.inside.requests) is (status == 200)
        finally:
            await made.stop()
