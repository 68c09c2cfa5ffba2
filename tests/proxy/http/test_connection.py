"""HTTP/1 as a driver: keep-alive, pipelining, framing both ways, pages at the gate, drain."""

from __future__ import annotations

import asyncio

import pytest
from harness import Asked, Close, World, chunked, get, limited, ok, post, world

CLOSED = b"close"


async def test_keep_alive(plain: World) -> None:
    caller = await plain.call()
    for number in range(5):
        got = await caller.ask(get(b"/%d" % number))
        assert (got.status, got.body, got.get(b"connection")) == (200, b"inside", None)
    assert [asked.target for asked in plain.inside.requests] == [b"/%d" % number for number in range(5)]
    assert plain.inside.connections == 1


@pytest.mark.parametrize(
    ("line", "version", "kept"),
    [
        (b"", b"HTTP/1.1", True),
        (b"Connection: close\r\n", b"HTTP/1.1", False),
        (b"Connection: Close , x\r\n", b"HTTP/1.1", False),
        (b"", b"HTTP/1.0", False),
        (b"Connection: keep-alive\r\n", b"HTTP/1.0", True),
        (b"Connection: close\r\n", b"HTTP/1.0", False),
    ],
)
async def test_who_closes(plain: World, line: bytes, version: bytes, kept: bool) -> None:
    caller = await plain.call()
    got = await caller.ask(b"GET / " + version + b"\r\nHost: a\r\n" + line + b"\r\n")
    assert got.status == 200
    assert got.body == b"inside"
    if kept:
        assert got.get(b"connection") in (None, b"keep-alive")
        assert (await caller.ask(get())).status == 200
    else:
        assert got.get(b"connection") == CLOSED
        assert await caller.rest() == b""


async def test_three_requests_in_one_segment(plain: World) -> None:
    plain.inside.script = [ok(b"one"), ok(b"two"), ok(b"three")]
    caller = await plain.call()
    caller.send(get(b"/1") + post(b"a=b", target=b"/2") + get(b"/3"))
    answers = [await caller.answer() for _ in range(3)]
    assert [got.body for got in answers] == [b"one", b"two", b"three"]
    assert [asked.target for asked in plain.inside.requests] == [b"/1", b"/2", b"/3"]
    assert plain.inside.requests[1].body == b"a=b"


async def test_pipelined_behind_a_chunked_body(plain: World) -> None:
    caller = await plain.call()
    caller.send(chunked(b"a=", b"b") + get(b"/after"))
    assert (await caller.answer()).status == 200
    assert (await caller.answer()).status == 200
    assert plain.inside.requests[0].body == b"a=b"
    assert plain.inside.requests[1].target == b"/after"


async def test_one_refused_request_does_not_end_a_clean_connection(plain: World) -> None:
    caller = await plain.call()
    caller.send(get(b"/?q=attack-1") + post(b"q=attack-1") + get(b"/clean"))
    assert [(await caller.answer()).status for _ in range(3)] == [403, 403, 200]
    assert [asked.target for asked in plain.inside.requests] == [b"/clean"]


async def test_nothing_after_a_broken_request_is_served(plain: World) -> None:
    caller = await plain.call()
    caller.send(get(b"/1") + b"GET /2 HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" + get(b"/3"))
    assert (await caller.answer()).status == 200
    got = await caller.answer()
    assert (got.status, got.get(b"connection")) == (400, CLOSED)
    assert await caller.rest() == b""
    assert [asked.target for asked in plain.inside.requests] == [b"/1"]


async def test_a_head_in_single_bytes(plain: World) -> None:
    caller = await plain.call()
    for byte in get(b"/slowly"):
        caller.send(bytes([byte]))
        await caller.writer.drain()
    assert (await caller.answer()).status == 200


async def test_http_1_0_gets_no_chunks(plain: World) -> None:
    plain.inside.usual = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"5\r\nhello\r\n" * 3 + b"0\r\n\r\n"
    )
    got = await plain.ask(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    assert got.body == b"hello" * 3
    assert got.get(b"transfer-encoding") is None


async def test_http_1_0_gets_a_stream_ended_by_closing(plain: World) -> None:
    plain.inside.usual = (
        b"HTTP/1.1 200 OK\r\nContent-Type: image/x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    got = await plain.ask(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    assert got.body == b"hello"
    assert got.get(b"transfer-encoding") is None
    assert got.get(b"content-length") is None
    assert got.get(b"connection") == CLOSED


@pytest.mark.parametrize(
    ("method", "answer", "status", "length"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 200, b"500"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, None),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204, None),
        (b"GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204, None),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: x\r\n\r\n", 304, b"500"),
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"0"),
        (b"GET", b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, b"0"),
    ],
)
async def test_answers_without_a_body(
    plain: World, method: bytes, answer: bytes, status: int, length: bytes | None
) -> None:
    plain.inside.usual = answer
    caller = await plain.call()
    for _ in range(2):
        got = await caller.ask(get(method=method))
        assert (got.status, got.body, got.get(b"content-length")) == (status, b"", length)
        assert got.get(b"transfer-encoding") is None
    # A server that declares a body and must not send it may send it all the same: its connection is not kept.
    declares = b"chunked" in answer or b"Length: 500" in answer or b"Length: 7" in answer
    assert plain.inside.connections == (2 if declares else 1)


async def test_a_refused_head_has_no_body(plain: World) -> None:
    caller = await plain.call()
    assert (await caller.ask(get(b"/?q=attack-1", method=b"HEAD"))).status == 403
    assert (await caller.ask(get())).status == 200


@pytest.mark.parametrize("size", [1, 1000, 70_000, 300_000])
async def test_bodies_of_both_framings_arrive_whole(plain: World, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    caller = await plain.call()
    assert (await caller.ask(post(body, b"image/png"))).status == 200
    assert (
        await caller.ask(chunked(*(body[at : at + 999] for at in range(0, size, 999)), content_type=b"image/png"))
    ).status == 200
    for asked in plain.inside.requests:
        assert asked.body == body
        assert asked.get(b"content-length") == b"%d" % size
        assert asked.get(b"transfer-encoding") is None


async def test_chunk_extensions_and_trailers_do_not_go_inside(plain: World) -> None:
    body = b"3;ext=one\r\na=b\r\n0;last\r\nHost: evil.example\r\nX-Trailer: here\r\n\r\n"
    head = get(
        b"/", b"Content-Type: text/plain", b"Trailer: X-Trailer", b"Transfer-Encoding: chunked", method=b"POST"
    )
    assert (await plain.ask(head + body)).status == 200
    [asked] = plain.inside.requests
    assert asked.body == b"a=b"
    assert b"one" not in asked.raw
    assert b"railer" not in asked.raw
    assert asked.get(b"host") == b"site.example"


@pytest.mark.parametrize(
    "body",
    [
        b"3\na=b\r\n0\r\n\r\n",
        b"3\r\na=bXX0\r\n\r\n",
        b"0x3\r\na=b\r\n0\r\n\r\n",
        b"-3\r\na=b\r\n0\r\n\r\n",
        b"3;a\nb\r\na=b\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"3\r\na=b\r\n0\r\nbad trailer\r\n\r\n",
        b"3\r\na=b\r\n0\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"3;" + b"e" * 300 + b"\r\na=b\r\n0\r\n\r\n",
    ],
)
async def test_broken_chunks_end_the_connection(plain: World, body: bytes) -> None:
    caller = await plain.call()
    got = await caller.ask(get(b"/", b"Transfer-Encoding: chunked", method=b"POST") + body + get(b"/smuggled"))
    assert (got.status, got.get(b"connection")) == (400, CLOSED)
    assert await caller.rest() == b""
    assert plain.inside.received == b""


async def test_continue_is_said_when_the_body_is_wanted(plain: World) -> None:
    caller = await plain.call()
    caller.send(get(b"/", b"Content-Length: 3", b"Expect: 100-continue", b"Content-Type: text/plain", method=b"POST"))
    async with asyncio.timeout(5):
        assert await caller.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert plain.inside.requests == []
    caller.send(b"abc")
    got = await caller.answer()
    assert (got.status, got.interim) == (200, [])
    assert plain.inside.requests[0].body == b"abc"
    assert plain.inside.requests[0].get(b"expect") is None


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get(b"/?q=early-1", b"Content-Length: 3", b"Expect: 100-continue", method=b"POST"), 403),
        (get(b"/", b"Content-Length: 99999999999", b"Expect: 100-continue", method=b"POST"), 413),
        (get(b"/", b"Content-Length: 3", b"Expect: y 100-continue", method=b"POST"), 417),
    ],
)
async def test_a_client_that_waits_is_refused_before_its_body(plain: World, request_: bytes, status: int) -> None:
    caller = await plain.call()
    caller.send(request_)
    got = await caller.answer()
    assert (got.status, got.interim, got.get(b"connection")) == (status, [], CLOSED)
    # Whatever it takes for its body, it is no request.
    caller.send(get(b"/smuggled"))
    assert await caller.rest() == b""
    assert plain.inside.received == b""


GATE = [
    (b"GET / HTTP/1.1\r\n\r\n", 400, "no-host"),
    (b"GET /\r\n\r\n", 400, "http-0.9"),
    (b"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 400, "control-character"),
    (get(b"/" + b"a" * 31 * 1024), 414, "target-bytes"),
    (get(b"/", b"X: " + b"a" * 33 * 1024), 431, "head_bytes"),
    (get(b"/", *(b"X-%d: a" % number for number in range(100))), 431, "head-fields"),
    (get(b"/", b"Transfer-Encoding: br, chunked", method=b"POST"), 501, "transfer-coding"),
    (get(b"/", b"Transfer-Encoding: gzip", method=b"POST"), 400, "transfer-coding"),
    (get(b"/", b"Transfer-Encoding: chunked", b"Content-Length: 3", method=b"POST"), 400, "length-and-chunked"),
    (get(b"/", b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: x"), 501, "websocket"),
    (get(b"/", method=b"TRACE"), 501, "method-refused"),
    (get(b"a:443", method=b"CONNECT"), 501, "method-refused"),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "version"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
    (get(b"/", b"X_Forwarded_For: 1.2.3.4"), 400, "forged-name"),
]


@pytest.mark.parametrize(
    ("request_", "status", "reason"), GATE, ids=[case[2] + f"-{n}" for n, case in enumerate(GATE)]
)
async def test_the_gate_answers_closes_and_records(plain: World, request_: bytes, status: int, reason: str) -> None:
    caller = await plain.call()
    got = await caller.ask(request_, b"GET")
    record = await plain.records.record()
    assert (got.status, got.get(b"connection")) == (status, CLOSED)
    assert record["id"].encode() in got.body
    assert (record["status"], record["verdict"], record["reason"]) == (status, "reject", reason)
    caller.end()
    assert await caller.rest() == b""
    assert plain.inside.received == b""


async def test_h2c_is_not_taken_up(plain: World) -> None:
    got = await plain.ask(get(b"/", b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMA"))
    assert got.status == 200
    [asked] = plain.inside.requests
    assert asked.get(b"upgrade") is asked.get(b"connection") is asked.get(b"http2-settings") is None


async def test_a_slow_head_is_408() -> None:
    async with world(limits=limited(timeouts={"request_head": 0.2})) as made:
        caller = await made.call()
        caller.send(b"GET / HTTP/1.1\r\nHost: a")
        got = await caller.answer()
        assert (got.status, got.get(b"connection")) == (408, CLOSED)
        assert (await made.records.record())["reason"] == "request-head-timeout"


@pytest.mark.parametrize("limits", [{"request_body_idle": 0.2}, {"request_body_total": 0.2}])
async def test_a_slow_body_is_408(limits: dict[str, float]) -> None:
    async with world(limits=limited(timeouts=limits)) as made:
        caller = await made.call()
        caller.send(post(b"a=" + b"b" * 100)[:-50])
        got = await caller.answer()
        assert (got.status, got.get(b"connection")) == (408, CLOSED)
        assert made.inside.received == b""
        record = await made.records.record()
        assert (record["status"], record["reason"]) == (408, "client-timeout")


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with world(limits=limited(timeouts={"keep_alive": 0.2, "request_head": 0.2})) as made:
        silent, idle = await made.call(), await made.call()
        assert (await idle.ask(get())).status == 200
        assert await idle.rest() == b""
        assert await silent.rest() == b""
        assert len(made.records.access_lines) == 1


async def test_requests_per_connection_are_bounded() -> None:
    async with world(limits=limited(http={"requests_per_connection": 2})) as made:
        caller = await made.call()
        caller.send(get(b"/1") + get(b"/2") + get(b"/3"))
        assert (await caller.answer()).get(b"connection") is None
        assert (await caller.answer()).get(b"connection") == CLOSED
        assert await caller.rest() == b""
        assert len(made.inside.requests) == 2


async def test_drain_closes_with_the_next_answer() -> None:
    async with world() as made:
        caller = await made.call()
        assert (await caller.ask(get())).get(b"connection") is None
        made.front.stop_accepting()
        got = await caller.ask(get(b"/last"))
        assert (got.status, got.get(b"connection")) == (200, CLOSED)
        assert await caller.rest() == b""
        async with asyncio.timeout(2):
            await made.front.drain(30.0)


async def test_drain_closes_with_the_answer_under_way() -> None:
    async with world() as made:
        go = asyncio.Event()

        async def wait(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(ok(b"late"))

        made.inside.script = [wait]
        caller = await made.call()
        caller.send(get())
        await made.inside.arrived(1)
        made.front.stop_accepting()
        go.set()
        got = await caller.answer()
        assert (got.body, got.get(b"connection")) == (b"late", CLOSED)
        async with asyncio.timeout(2):
            await made.front.drain(30.0)


async def test_drain_cuts_off_what_is_left() -> None:
    async with world() as made:

        async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        made.inside.script = [never]
        caller = await made.call()
        caller.send(get())
        await made.inside.arrived(1)
        made.front.stop_accepting()
        await made.front.drain(0.1)
        assert made.front.connections == 0
        assert await caller.rest() == b""
        assert (await made.records.record())["status"] == 499


async def test_an_unread_body_ends_the_connection(plain: World) -> None:
    """A refusal in the head leaves the body unread: what follows could be anything."""
    caller = await plain.call()
    caller.send(post(get(b"/smuggled"), b"text/plain", target=b"/?q=attack-1"))
    got = await caller.answer()
    assert (got.status, got.get(b"connection")) in ((403, CLOSED), (403, None))
    if got.get(b"connection") == CLOSED:
        assert await caller.rest() == b""
    assert plain.inside.received == b""


async def test_the_inside_closing_does_not_close_the_client(plain: World) -> None:
    plain.inside.script = [Close(ok(b"one", b"text/plain", b"Connection: close"))]
    caller = await plain.call()
    assert (await caller.ask(get())).get(b"connection") is None
    assert (await caller.ask(get())).body == b"inside"
    assert plain.inside.connections == 2
