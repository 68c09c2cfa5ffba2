"""Answers on their way out: what is inspected is held, what is long streams on, event streams go at once."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os

import pytest
from harness import HTTP, Asked, Close, World, detect, get, limited, linked, ok, rule, world

from revproxy.detection.rules import Condition, Control, Operator, Rule, SetControl, Target
from revproxy.inspection import Inspection, RuleInspector
from revproxy.model import Phase, Severity

LEAK = b"<pre>leak-1</pre>"


@pytest.mark.parametrize(
    "content_type", [b"text/html; charset=utf-8", b"application/json", b"text/plain", b"TEXT/XML"]
)
async def test_a_leak_is_refused(plain: World, content_type: bytes) -> None:
    plain.inside.script = [ok(LEAK, content_type)]
    caller = await plain.call()
    got = await caller.ask(get())
    record = await plain.records.record()
    assert (got.status, b"leak" in got.body) == (403, False)
    assert (record["status"], record["verdict"], record["rules"], record["score"]) == (403, "deny", ["leak"], 0)
    assert (await caller.ask(get())).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        ok(LEAK, b"text/html", status=b"500 Oops"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nleak\r\n2\r\n-1\r\n0\r\n\r\n",
        Close(b"HTTP/1.1 200 OK\r\n\r\nleak-1"),
        ok(gzip.compress(LEAK), b"text/html", b"Content-Encoding: gzip"),
        ok(gzip.compress(LEAK), b"text/html", b"Content-Encoding: identity", b"Content-Encoding: gzip"),
        ok(gzip.compress(LEAK + bytes(3_000_000)), b"text/html", b"Content-Encoding: gzip"),
        ok(gzip.compress(LEAK + os.urandom(900_000)), b"text/html", b"Content-Encoding: gzip"),
        ok(LEAK, b"text/html", b"Content-Encoding: gzip"),
        ok(b"fine", b"text/html", b"X-Debug: leak-1"),
        b"HTTP/1.1 302 Found\r\nLocation: /leak-1\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_leak_is_refused_however_it_comes(plain: World, answer: bytes | Close) -> None:
    plain.inside.script = [answer]
    got = await plain.ask(get())
    assert got.status == 403
    assert b"leak" not in got.body


@pytest.mark.parametrize("content_type", [b"image/png", b"application/octet-stream", b"text/css", b"video/mp4"])
async def test_other_types_are_not_inspected(plain: World, content_type: bytes) -> None:
    plain.inside.script = [ok(LEAK, content_type)]
    assert (await plain.ask(get())).body == LEAK


async def test_a_leak_is_only_recorded_where_the_route_detects() -> None:
    async with world(routes=[detect()]) as made:
        made.inside.usual = ok(LEAK, b"text/html")
        assert (await made.ask(get())).body == LEAK
        record = await made.records.record()
        assert (record["status"], record["verdict"], record["rules"]) == (200, "deny", ["leak"])


@pytest.mark.parametrize(("may_decline", "status"), [(False, 403), (True, 200)])
async def test_a_rule_may_say_that_a_body_is_not_looked_at(may_decline: bool, status: int) -> None:
    """It is a rule of phase REPLY_HEAD: the body is judged after it, however short it is."""
    off = SetControl(Control.REPLY_BODY_ACCESS, "off")
    condition = Condition((Target("status"),), (Operator("eq", "200"),), effects=(off,))
    declines = Rule("no", HTTP, Phase.REPLY_HEAD, (condition,), Severity.NOTICE, 0, "", logs=False)
    rules = linked((declines, rule("leak", "leak-[0-9]", "reply.body", phase=Phase.REPLY_BODY, score=4)))
    assert rules.controls == {Control.REPLY_BODY_ACCESS}
    inspection = Inspection([RuleInspector(rules, 1 << 20)], "x", 5.0, may_decline=may_decline)
    async with world(inspection=inspection) as made:
        made.inside.usual = ok(LEAK, b"text/html")
        assert (await made.ask(get())).status == status


async def test_compressed_answers_go_out_as_they_came(plain: World) -> None:
    packed = gzip.compress(b"fine" * 1000)
    plain.inside.script = [ok(packed, b"text/html", b"Content-Encoding: gzip")]
    got = await plain.ask(get(b"/", b"Accept-Encoding: gzip, zstd"))
    assert (got.body, got.get(b"content-encoding")) == (packed, b"gzip")
    assert plain.inside.requests[0].get(b"accept-encoding") == b"gzip"


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("size", [1, 60_000, 70_000, 600_000, 2_000_000])
@pytest.mark.parametrize("content_type", [b"text/html", b"image/x"])
async def test_answers_of_every_size_arrive_whole(plain: World, framing: str, size: int, content_type: bytes) -> None:
    body = os.urandom(size)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + content_type + b"\r\n"
    if framing == "length":
        plain.inside.script = [head + b"Content-Length: %d\r\n\r\n" % size + body]
    elif framing == "close":
        plain.inside.script = [Close(head + b"\r\n" + body)]
    else:
        chunks = b"".join(
            b"%x;x=y\r\n%b\r\n" % (len(body[at : at + 7001]), body[at : at + 7001]) for at in range(0, size, 7001)
        )
        plain.inside.script = [head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Trailer: a\r\n\r\n"]
    caller = await plain.call()
    got = await caller.ask(get())
    assert (got.status, got.complete, len(got.body)) == (200, True, size)
    assert got.body == body
    assert (await caller.ask(get())).body == b"inside"
    record = await plain.records.record()
    assert (record["status"], record["verdict"]) == (200, "allow")
    assert record["bytes_out"] >= size


async def test_a_leak_behind_the_limit_is_out_already() -> None:
    """What is longer than the limit streams on after that much was judged."""
    async with world(limits=limited(http={"response_inspect_bytes": 1000})) as made:
        made.inside.usual = ok(LEAK + b"z" * 100_000, b"text/html")
        assert (await made.ask(get())).status == 403
        made.inside.usual = ok(b"z" * 400_000 + LEAK, b"text/html")
        assert (await made.ask(get())).status == 200


async def test_an_event_stream_passes_at_once(plain: World) -> None:
    go = asyncio.Event()

    async def events(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            event = b"data: %d\n\n" % number
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await go.wait()
            go.clear()
        writer.write(b"0\r\n\r\n")

    plain.inside.script = [events]
    caller = await plain.call()
    caller.send(get())
    async with asyncio.timeout(5):
        await caller.reader.readuntil(b"\r\n\r\n")
        for number in range(3):
            assert b"data: %d\n\n" % number in await caller.reader.readuntil(b"\n\n\r\n")
            go.set()
        assert await caller.reader.readuntil(b"0\r\n\r\n") == b"0\r\n\r\n"
    assert (await caller.ask(get())).status == 200


@pytest.mark.parametrize("content_type", [b"text/html", b"image/x"])
async def test_a_large_answer_is_streamed_in_bounded_memory(plain: World, content_type: bytes) -> None:
    """A client that does not read stops the inside: what is in between fits into buffers."""
    total, piece = 64 * 1024 * 1024, bytes(256 * 1024)
    stalled = asyncio.Event()
    sent = stalled_at = 0

    async def much(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent, stalled_at
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (content_type, total))
        while sent < total:
            writer.write(piece)
            sent += len(piece)
            try:
                async with asyncio.timeout(0.3):
                    await writer.drain()
            except TimeoutError:
                stalled_at = stalled_at or sent
                stalled.set()
                await writer.drain()

    plain.inside.script = [much]
    caller = await plain.call()
    caller.send(get())
    async with asyncio.timeout(10):
        await stalled.wait()
    assert stalled_at < total / 2
    digest, size = hashlib.sha256(), 0
    async with asyncio.timeout(10):
        await caller.reader.readuntil(b"\r\n\r\n")
        while size < total:
            data = await caller.reader.read(1 << 20)
            digest.update(data)
            size += len(data)
    assert digest.digest() == hashlib.sha256(bytes(total)).digest()


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    async with world(limits=limited(timeouts={"write_stall": 0.3})) as made:

        async def much(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/x\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
            for _ in range(4096):
                writer.write(bytes(256 * 1024))
                await writer.drain()

        made.inside.script = [much]
        caller = await made.call()
        caller.writer.transport.pause_reading()
        caller.send(get())
        await made.inside.left()
        record = await made.records.record()
        assert (record["status"], record["reason"]) == (499, "client-gone")


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
@pytest.mark.parametrize("framing", [b"Content-Length: 999999", b"Transfer-Encoding: chunked"])
async def test_an_answer_cut_within_a_stream_is_not_made_whole(plain: World, version: bytes, framing: bytes) -> None:
    body = b"5\r\nhello\r\n" if framing.startswith(b"T") else b"hello"
    plain.inside.script = [Close(b"HTTP/1.1 200 OK\r\nContent-Type: image/x\r\n" + framing + b"\r\n\r\n" + body)]
    caller = await plain.call()
    caller.send(b"GET / " + version + b"\r\nHost: a\r\n\r\n")
    got = await caller.answer()
    if version == b"HTTP/1.1" or framing.startswith(b"C"):
        assert not got.complete
    record = await plain.records.record()
    assert record["status"] == 502
    assert record["reason"]


LOCATIONS = [
    (b"Location: %b/x?y", b"http://site.example/x?y"),
    (b"Location: %b", b"http://site.example"),
    (b"Content-Location: %b/x", b"http://site.example/x"),
    (b"Refresh: 0; url=%b/x", b"0; url=http://site.example/x"),
    (b"Refresh: 5;URL='%b/x'", b"5;URL='http://site.example/x'"),
    (b"Location: /x", b"/x"),
    (b"Location: http://elsewhere.example/x", b"http://elsewhere.example/x"),
    (b"Location: %b0/x", None),
]


@pytest.mark.parametrize(("line", "value"), LOCATIONS)
async def test_an_internal_address_becomes_ours(plain: World, line: bytes, value: bytes | None) -> None:
    origin = b"http://127.0.0.1:%d" % plain.inside.port
    line = line.replace(b"%b", origin)
    plain.inside.usual = ok(b"", b"text/html", line, status=b"302 Found")
    got = await plain.ask(get())
    name, _, before = line.partition(b": ")
    assert got.get(name.lower()) == (value if value is not None else before)


async def test_what_describes_the_server_stays_inside(plain: World) -> None:
    lines = (b"Server: Apache/2.4", b"X-Powered-By: PHP/8", b"X-AspNet-Version: 4", b"Keep-Alive: timeout=5")
    more = (b"Connection: keep-alive, X-Hop", b"X-Hop: here", b"Proxy-Authenticate: Basic", b"Upgrade: h2c")
    kept = (
        b"Set-Cookie: a=b",
        b"Set-Cookie: c=d",
        b"ETag: x",
        b"WWW-Authenticate: Negotiate",
        b"WWW-Authenticate: Basic",
    )
    plain.inside.usual = ok(b"", b"text/html", *lines, *more, *kept)
    got = await plain.ask(get())
    assert [b"%b: %b" % one for one in got.fields if one[0] not in (b"Content-Type", b"Content-Length")] == list(kept)
