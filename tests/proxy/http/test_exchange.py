"""The straight line of one request: what is judged is what goes on, and what is refused never does."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import zlib
from pathlib import Path

import brotli
import pytest
from harness import Asked, World, chunked, detect, get, limited, off, ok, post, world

from revproxy.config import Route
from revproxy.inspection import Inspection
from revproxy.model import Action, Phase, Transaction

BOUNDARY = b"----b0undary"
MULTIPART = b"multipart/form-data; boundary=" + BOUNDARY
JSON = b"application/json"


def part(name: bytes, value: bytes, more: bytes = b"", content_type: bytes = b"") -> bytes:
    head = b'--%b\r\nContent-Disposition: form-data; name="%b"%b\r\n' % (BOUNDARY, name, more)
    return head + (b"Content-Type: %b\r\n" % content_type if content_type else b"") + b"\r\n" + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


PLACES = {
    "path": get(b"/attack-1/x"),
    "query": get(b"/?q=attack-1"),
    "query, percent-encoded": get(b"/?q=%61ttack%2d1"),
    "query name": get(b"/?attack-1=q"),
    "cookie": get(b"/", b"Cookie: a=b; c=attack-1"),
    "second cookie field": get(b"/", b"Cookie: a=b", b"Cookie: c=attack-1"),
    "header": get(b"/", b"User-Agent: attack-1"),
    "unknown header": get(b"/", b"X-Anything: attack-1"),
    "urlencoded": post(b"a=b&c=attack-1"),
    "urlencoded name": post(b"a=b&attack-1=c"),
    "urlencoded, upper-case type": post(b"c=attack-1", b"Application/X-WWW-Form-Urlencoded; charset=utf-8"),
    "JSON value": post(b'{"a": ["b", {"c": "attack-1"}]}', JSON),
    "JSON name": post(b'{"attack-1": 1}', JSON),
    "JSON escape": post(b'{"a": "\\u0061ttack-1"}', JSON),
    "JSON suffix": post(b'{"a": "attack-1"}', b"application/problem+json"),
    "multipart field": post(form(part(b"a", b"b"), part(b"c", b"attack-1")), MULTIPART),
    "multipart file": post(form(part(b"f", b"x attack-1", b'; filename="a.txt"', b"text/plain")), MULTIPART),
    "multipart file name": post(form(part(b"f", b"x", b'; filename="attack-1"')), MULTIPART),
    "XML text": post(b"<a><b>attack-1</b></a>", b"text/xml"),
    "XML attribute": post(b'<a b="attack-1"/>', b"application/soap+xml"),
    "raw": post(b"\0\1attack-1", b"application/octet-stream"),
    "no type": get(b"/", b"Content-Length: 8", method=b"POST") + b"attack-1",
    "unknown type": post(b"attack-1", b"application/x-protobuf"),
    "body of GET": get(b"/", b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 10")
    + b"a=attack-1",
    "body of an odd method": get(b"/", b"Content-Length: 8", method=b"RPC_IN_DATA") + b"attack-1",
    "chunked": chunked(b"a=att", b"ack-", b"1"),
    "chunked in single bytes": chunked(*(bytes([byte]) for byte in b"a=attack-1")),
    "gzip": post(gzip.compress(b"a=attack-1"), b"application/x-www-form-urlencoded", b"Content-Encoding: gzip"),
    "deflate": post(zlib.compress(b"a=attack-1"), b"application/x-www-form-urlencoded", b"Content-Encoding: deflate"),
    "br": post(brotli.compress(b"a=attack-1"), b"application/x-www-form-urlencoded", b"Content-Encoding: br"),
    "gzip over two fields": post(
        gzip.compress(b"a=attack-1"),
        b"application/x-www-form-urlencoded",
        b"Content-Encoding: identity",
        b"Content-Encoding: gzip",
    ),
    "gzip, br": post(
        brotli.compress(gzip.compress(b"a=attack-1")),
        b"application/x-www-form-urlencoded",
        b"Content-Encoding: gzip, br",
    ),
    "broken JSON": post(b'{"a": "b"', JSON),
    "duplicate JSON key": post(b'{"a": 1, "a": 2}', JSON),
    "broken XML": post(b"<a><b></a>", b"text/xml"),
    "DOCTYPE": post(b'<!DOCTYPE a SYSTEM "http://evil/x"><a/>', b"text/xml"),
    "unfinished multipart": post(part(b"a", b"b"), MULTIPART),
}


@pytest.mark.parametrize("place", PLACES)
async def test_an_attack_is_refused_wherever_it_stands(plain: World, place: str) -> None:
    got = await plain.ask(PLACES[place], b"GET")
    record = await plain.records.record()
    assert got.status == 403
    assert record["id"].encode() in got.body
    assert b"attack" not in got.body
    assert b"value" not in got.body
    assert (record["status"], record["verdict"]) == (403, "deny")
    assert record["rules"]
    assert plain.inside.received == b""
    assert plain.inside.connections == 0


CLEAN = {
    "urlencoded": (b"a=b&c=%61", b"application/x-www-form-urlencoded"),
    "JSON": (b'{ "a" : [1, null, "\\u00e9"] }', JSON),
    "multipart": (form(part(b"a", b"b"), part(b"f", b"\0\xff", b'; filename="a.bin"')), MULTIPART),
    "XML": (b"<?xml version='1.0'?>\n<a b='c'>d</a>", b"text/xml"),
    "raw": (bytes(range(256)), b"application/octet-stream"),
}


@pytest.mark.parametrize("kind", CLEAN)
async def test_a_clean_body_goes_on_byte_for_byte(plain: World, kind: str) -> None:
    body, content_type = CLEAN[kind]
    assert (await plain.ask(post(body, content_type))).status == 200
    packed = gzip.compress(body)
    assert (await plain.ask(post(packed, content_type, b"Content-Encoding: gzip"))).status == 200
    first, second = plain.inside.requests
    assert (first.body, first.get(b"content-type")) == (body, content_type)
    assert (second.body, second.get(b"content-encoding")) == (packed, b"gzip")


async def test_an_attack_in_the_last_bytes_of_a_spooled_body(tmp_path: Path) -> None:
    """Nothing goes inside before the verdict, however large; what is held is on disk and bounded in memory."""
    limits = limited(http={"body_memory_bytes": 64 * 1024})
    async with world(folder=str(tmp_path), limits=limits) as made:
        for body in (b"z" * 3_000_000 + b"attack-1", b"z" * 250_000 + b"attack-1"):
            assert (await made.ask(post(body, b"application/octet-stream"))).status == 403
        assert made.inside.received == b""


async def test_an_attack_across_two_windows(plain: World) -> None:
    size = plain.limits.content.window_bytes
    body = b"z" * (size - 4) + b"attack-1" + b"z" * 1000
    assert (await plain.ask(post(body, b"application/octet-stream"))).status == 403
    assert (await plain.ask(post(form(part(b"f", body, b'; filename="a"')), MULTIPART))).status == 403
    assert plain.inside.received == b""


async def test_a_rule_scores_once_however_many_windows(plain: World) -> None:
    """`minor` gives three points of five: met again with each window of a body it would refuse clean uploads."""
    got = await plain.ask(post(b"z" * 1_000_000, b"application/octet-stream", target=b"/?q=minor-1"))
    record = await plain.records.record()
    assert (got.status, record["score"], record["rules"]) == (200, 3, ["minor"])


async def test_a_large_upload_is_spooled_and_arrives(tmp_path: Path) -> None:
    limits = limited(http={"body_memory_bytes": 64 * 1024})
    async with world(folder=str(tmp_path), limits=limits) as made:
        memory = 0

        async def look(asked: Asked, writer: asyncio.StreamWriter) -> None:
            nonlocal memory
            memory = made.memory.used
            assert made.spools[-1].on_disk
            writer.write(ok())

        made.inside.usual = look
        body = bytes(range(256)) * 32 * 1024
        assert (await made.ask(post(body, b"image/x"))).status == 200
        assert made.inside.requests[0].body == body
        assert memory <= 512 * 1024
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("way", ["full disk", "disk budget", "memory budget"])
async def test_no_room_is_503(tmp_path: Path, way: str) -> None:
    caps = {"full disk": {}, "disk budget": {"spool_bytes": 100_000}, "memory budget": {"memory_bytes": 1000}}[way]
    folder = {"full disk": str(tmp_path / "gone"), "disk budget": str(tmp_path), "memory budget": ""}[way]
    limits = limited(http={"body_memory_bytes": 64 * 1024}, caps={"retry_after": 7, **caps})
    async with world(folder=folder, limits=limits) as made:
        caller = await made.call()
        got = await caller.ask(post(b"z" * 200_000, b"image/x"))
        assert (got.status, got.get(b"retry-after"), got.get(b"connection")) == (503, b"7", b"close")
        assert made.inside.received == b""
        assert (await made.records.record())["reason"] in ("spool_bytes", "memory_bytes")
        assert (await made.ask(get())).status == 200


@pytest.mark.parametrize("framing", ["declared", "chunked"])
async def test_a_body_over_the_limit_is_413(framing: str) -> None:
    async with world(limits=limited(http={"body_bytes": 1000})) as made:
        body = b"a=" + b"b" * 999
        request = post(body) if framing == "declared" else chunked(body[:500], body[500:], end=b"")
        got = await made.ask(request)
        assert (got.status, got.get(b"connection")) == (413, b"close")
        assert (await made.ask(post(body[:1000]))).status == 200
        assert [asked.body for asked in made.inside.requests] == [body[:1000]]
        assert (await made.records.record())["reason"] == "body_bytes"


async def test_a_route_may_take_larger_bodies() -> None:
    routes = [Route("large", "web", path="/large", body_bytes=2000), Route("all", "web")]
    async with world(limits=limited(http={"body_bytes": 1000}), routes=routes) as made:
        assert (await made.ask(post(b"a=" + b"b" * 1500, target=b"/large/x"))).status == 200
        assert (await made.ask(post(b"a=" + b"b" * 1500))).status == 413


CODINGS = [
    (gzip.compress(b"z" * 50_000_000), b"gzip", {413, 400}),
    (brotli.compress(b"z" * 50_000_000), b"br", {413, 400}),
    (b"anything", b"zstd", {415}),
    (b"anything", b"gzip, zstd", {415}),
    (b"anything", b"\xffgzip", {415}),
    (b"no gzip at all", b"gzip", {400, 415}),
    (gzip.compress(b"a=b")[:-4], b"gzip", {400, 415}),
    (gzip.compress(b"a=b") + b"more", b"gzip", {400, 415}),
]


@pytest.mark.parametrize(("body", "coding", "statuses"), CODINGS)
async def test_content_codings_that_are_not_taken(
    plain: World, body: bytes, coding: bytes, statuses: set[int]
) -> None:
    got = await plain.ask(post(body, b"text/plain", b"Content-Encoding: " + coding))
    assert got.status in statuses
    assert plain.inside.received == b""


@pytest.mark.parametrize("text", [b"x" * 3_000_000, b'{"a": "%b"}' % (b"x" * 3_000_000)])
async def test_structured_bodies_are_bounded(plain: World, text: bytes) -> None:
    content_type = JSON if text.startswith(b"{") else b"application/x-www-form-urlencoded"
    assert (await plain.ask(post(text, content_type))).status == 413
    assert plain.inside.received == b""


@pytest.mark.parametrize(
    "request_", [get(b"/?" + b"a&" * 10_001), post(b"a&" * 10_001), post(b"[" + b"1," * 10_001 + b"1]", JSON)]
)
async def test_arguments_are_bounded(plain: World, request_: bytes) -> None:
    assert (await plain.ask(request_)).status in (403, 413)
    assert plain.inside.received == b""


ATTACKS = [get(b"/?q=attack-1"), post(b"q=attack-1"), post(b"attack-1", b"image/x"), post(b"{", JSON)]


async def test_detect_mode_passes_and_records() -> None:
    async with world(routes=[detect()]) as made:
        caller = await made.call()
        for number, request in enumerate(ATTACKS, 1):
            assert (await caller.ask(request)).status == 200
            record = await made.records.record(number)
            assert (record["status"], record["verdict"], bool(record["rules"])) == (200, "deny", True)
        assert len(made.inside.requests) == len(ATTACKS) <= len(made.records.findings)
        assert {finding["enforced"] for finding in made.records.findings} == {False}


async def test_detect_mode_lets_a_drop_pass() -> None:
    async with world(routes=[detect()]) as made:
        assert (await made.ask(get(b"/?q=drop-1"))).status == 200


async def test_off_mode_does_not_look() -> None:
    async with world(routes=[off()]) as made:
        made.inside.usual = ok(b"leak-1")
        for request in [*ATTACKS, post(b"x", b"text/plain", b"Content-Encoding: zstd")]:
            assert (await made.ask(request)).status == 200
        assert made.records.findings == []
        assert (await made.records.record())["verdict"] == "allow"


async def test_a_drop_says_nothing(plain: World) -> None:
    caller = await plain.call()
    caller.send(get(b"/?q=drop-1"))
    assert await caller.rest() == b""
    record = await plain.records.record()
    assert (record["status"], record["verdict"], record["bytes_out"]) == (403, "drop", 0)


@pytest.mark.parametrize(("action", "status"), [(Action.DEFER, 503), (Action.DENY, 403)])
async def test_a_failure_to_decide_is_a_decision(action: Action, status: int) -> None:
    class Broken:
        name = "broken"

        def inspect(self, transaction: Transaction, first: Phase, last: Phase, size: int) -> None:
            raise ZeroDivisionError

    async with world(inspection=Inspection([Broken()], "none", 1.0, action)) as made:
        assert (await made.ask(get())).status == status
        assert made.inside.received == b""
        assert (await made.records.record())["verdict"] == action.value


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (get(b"/", host=b"other.example"), 404, "no-route"),
        (get(b"/", method=b"DELETE"), 405, "method"),
        (get(b"/", method=b"get"), 405, "method"),
    ],
)
async def test_no_route_and_no_method(request_: bytes, status: int, reason: str) -> None:
    routes = [Route("one", "web", hosts=("site.example",), methods=("GET", "POST"))]
    async with world(routes=routes) as made:
        got = await made.ask(request_)
        record = await made.records.record()
        assert (got.status, record["reason"], record["verdict"]) == (status, reason, "reject")
        assert (await made.ask(get())).status == 200
        assert len(made.inside.requests) == 1


@pytest.mark.parametrize(
    "target",
    [
        b"//admin",
        b"/x/..;/admin",
        b"/x/%2e%2e/admin",
        b"/%61dmin",
        b"/x/..%2fadmin",
        b"/./admin",
        b"/x/..%5cadmin",
        b"/%2561dmin",
        b"/admin%00.html",
        b"/admin;a=b/x",
    ],
)
async def test_an_ambiguous_path_is_nobodys(target: bytes) -> None:
    routes = [Route("admin", "web", path="/admin"), Route("all", "web", mode=detect().mode)]
    async with world(routes=routes) as made:
        assert (await made.ask(get(target))).status == 404
        assert made.inside.received == b""


# Routes that stream.

STREAM = [Route("all", "web", stream=True)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\0" * 100 + b"attack-1", b"application/octet-stream"),
        (b"\0" * 700_000 + b"attack-1", b"application/octet-stream"),
        (b"a=b&c=attack-1", b"application/x-www-form-urlencoded"),
        (b'{"a": "attack-1"}', JSON),
        (b"<a>attack-1</a>", b"text/xml"),
        (form(part(b"a", b"attack-1")), MULTIPART),
        (form(part(b"a", b"z" * 700_000 + b"attack-1", b'; filename="x"')), MULTIPART),
        (b'{"a": ', JSON),
        (gzip.compress(b"attack-1"), b"application/octet-stream; gzip"),
    ],
)
@pytest.mark.parametrize("framing", ["declared", "chunked"])
async def test_a_streaming_route_is_cut_on_a_hit(body: bytes, content_type: bytes, framing: str) -> None:
    """Some of it may be inside by then; a complete request never is."""
    line = b"Content-Encoding: gzip" if content_type.endswith(b"gzip") else b"X-A: b"
    if framing == "declared":
        request = post(body, content_type, line)
    else:
        head = get(b"/", b"Content-Type: " + content_type, line, b"Transfer-Encoding: chunked", method=b"POST")
        request = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    async with world(routes=STREAM) as made:
        made.inside.usual = ok(b"taken")
        assert (await made.ask(request)).status == 403
        if made.inside.connections:
            await made.inside.left()
        assert made.inside.requests == []
        assert b"attack-1" not in made.inside.received
        assert (await made.records.record())["verdict"] == "deny"


@pytest.mark.parametrize("framing", ["declared", "chunked"])
async def test_a_streaming_route_passes_each_piece_on_at_once(framing: str) -> None:
    async with world(routes=STREAM) as made:
        made.inside.head_only = True
        done = asyncio.Event()

        async def watch(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await done.wait()
            writer.write(ok())

        made.inside.usual = watch
        caller = await made.call()
        if framing == "declared":
            caller.send(get(b"/", b"Content-Length: 1000000", method=b"RPC_IN_DATA"))
            caller.send(b"first")
        else:
            caller.send(get(b"/", b"Transfer-Encoding: chunked", method=b"POST") + b"5\r\nfirst\r\n")
        await made.inside.arrived(1)
        await made.inside.saw(b"first")
        done.set()
        caller.reset()
        await made.inside.left()


@pytest.mark.parametrize("size", [10, 700_000])
async def test_a_streaming_route_delivers(size: int) -> None:
    async with world(routes=STREAM) as made:
        body = b"\0" * size
        caller = await made.call()
        assert (await caller.ask(post(body, b"image/x"))).status == 200
        head = get(b"/", b"Transfer-Encoding: chunked", method=b"POST")
        assert (await caller.ask(head + b"%x\r\n%b\r\n0\r\n\r\n" % (size, body))).status == 200
        first, second = made.inside.requests
        assert (first.body, first.get(b"content-length")) == (body, b"%d" % size)
        assert (second.body, second.get(b"transfer-encoding")) == (body, b"chunked")


async def test_a_streaming_route_is_bounded() -> None:
    routes = [Route("all", "web", stream=True, body_bytes=1000)]
    async with world(routes=routes) as made:
        head = get(b"/", b"Transfer-Encoding: chunked", method=b"POST")
        assert (await made.ask(head + b"7d0\r\n" + b"z" * 2000 + b"\r\n0\r\n\r\n")).status == 413
        assert made.inside.requests == []


async def test_a_hostile_head_of_a_streaming_route_stays_outside() -> None:
    async with world(routes=[Route("all", "web", stream=True)]) as made:
        caller = await made.call()
        caller.send(get(b"/?q=attack-1", b"Content-Length: 100", method=b"POST"))
        assert (await caller.answer()).status == 403
        assert made.inside.requests == []


async def test_tiny_chunks_are_refused(plain: World) -> None:
    head = get(b"/", b"Transfer-Encoding: chunked", method=b"POST")
    assert (await plain.ask(head + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")).status == 400
    assert plain.inside.requests == []


async def test_a_method_that_a_route_does_not_take_is_told_which_it_takes() -> None:
    async with world(routes=[Route("all", "web", methods=("GET", "HEAD"))]) as made:
        got = await made.ask(post(b"a=b"))
        assert (got.status, got.get(b"allow")) == (405, b"GET, HEAD")


# Clients that leave.


async def test_a_client_that_leaves_frees_the_inside(plain: World) -> None:
    async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    plain.inside.usual = never
    caller = await plain.call()
    caller.send(get())
    await plain.inside.arrived(1)
    caller.reset()
    await plain.inside.left()
    record = await plain.records.record()
    assert (record["status"], record["verdict"]) == (499, "allow")
    assert plain.pool.total == 0


async def test_a_client_that_ends_its_side_still_gets_its_answer(plain: World) -> None:
    caller = await plain.call()
    caller.send(post(b"a=b"))
    caller.end()
    assert (await caller.answer()).status == 200
    assert await caller.rest() == b""


async def test_a_client_that_leaves_within_a_body(plain: World) -> None:
    for leave in ("reset", "end"):
        caller = await plain.call()
        caller.send(post(b"a=" + b"b" * 300_000)[:-1])
        await caller.writer.drain()
        caller.reset() if leave == "reset" else caller.end()
    for number in (1, 2):
        record = await plain.records.record(number)
        assert record["status"] in (400, 499)
    assert plain.inside.received == b""
    assert plain.memory.used == 0


async def test_a_client_that_leaves_while_it_is_answered(plain: World) -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/x\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"5\r\nhello\r\n")
            await writer.drain()

    plain.inside.usual = endless
    caller = await plain.call()
    caller.send(get())
    assert await caller.reader.readexactly(100)
    caller.reset()
    await plain.inside.left()
    assert (await plain.records.record())["status"] == 499


# Records.

SECRETS = [
    get(b"/?password=hunter2&q=attack-1", b"Authorization: Basic aHVudGVyMg=="),
    get(b"/", b"Cookie: session=hunter2; x=attack-1"),
    get(b"/", b"Authorization: Bearer hunter2-attack-1"),
    post(b"user=u&password=hunter2-attack-1"),
    post(json.dumps({"password": "hunter2-attack-1"}).encode(), JSON),
    post(form(part(b"password", b"hunter2-attack-1")), MULTIPART),
]


@pytest.mark.parametrize("request_", SECRETS)
async def test_no_secret_stands_in_a_record(plain: World, request_: bytes) -> None:
    assert (await plain.ask(request_)).status == 403
    await plain.records.record()
    written = b"".join(plain.records.access_lines + plain.records.audit_lines)
    assert plain.records.audit_lines
    assert b"hunter2" not in written
    assert b"aHVudGVyMg" not in written


async def test_what_an_access_record_tells(plain: World) -> None:
    request = post(b"a=b", target=b"/x?y=z")
    got = await plain.ask(request)
    record = await plain.records.record()
    assert record.pop("ts").endswith("Z")
    assert len(record.pop("id")) >= 12
    assert 0 < record.pop("upstream_ms") <= record.pop("ms")
    assert record == {
        "type": "http",
        "client": "127.0.0.1",
        "listener": "web",
        "host": "site.example",
        "method": "POST",
        "target": "/x?y=z",
        "status": 200,
        "bytes_in": len(request),
        "bytes_out": len(got.raw) + len(got.body),
        "upstream": "web",
        "verdict": "allow",
        "score": 0,
        "rules": [],
    }


async def test_what_an_audit_record_tells(plain: World) -> None:
    await plain.ask(get(b"/?q=attack-1"))
    access = await plain.records.record()
    [finding] = plain.records.findings
    assert finding["id"] == access["id"]
    assert (finding["rule"], finding["route"], finding["key"]) == ("value", "all", "q")
    assert (finding["verdict"], finding["enforced"], finding["total"]) == ("deny", True, 5)
    assert finding["ruleset"] == plain.inspection.set_name
