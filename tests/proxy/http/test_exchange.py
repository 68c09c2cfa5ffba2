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
from harness import Asked, World, chunked, detect, get, limited, linked, off, ok, post, rule, world

from revproxy.config import Route, Staging
from revproxy.detection.link import RuleSet
from revproxy.detection.rules import FILLED
from revproxy.inspection import Inspection, RuleInspector, Shadow
from revproxy.model import Action, Controls, Finding, Phase, Severity, Transaction

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
        assert len(made.records.error_lines) == len(made.records.findings)
        assert not any(b"Access denied" in line for line in made.records.error_lines)


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

        def inspect(self, transaction: Transaction, *_: object) -> None:
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


# What an inspector is asked, and what it can ask for.


class Watching:
    """Writes down what it is asked and what there is then; sets controls in phase HEAD; may deny with a status."""

    name = "watching"

    def __init__(self, controls: Controls | None = None, denies: Phase | None = None, status: int = 0) -> None:
        self.asked: list[tuple[Phase, Phase, bool, dict[str, list[bytes]]]] = []
        self._controls = controls
        self._denies = denies
        self._status = status

    def inspect(self, transaction: Transaction, first: Phase, last: Phase, size: int, part: bool) -> None:
        fields = transaction.fields
        self.asked.append((first, last, part, {name: list(fields.values(name)) for name in fields}))
        if first is Phase.HEAD and self._controls is not None:
            transaction.controls = self._controls
        if self._denies is not None and first <= self._denies <= last:
            transaction.findings.append(
                Finding("x", self._denies, Severity.CRITICAL, 0, "m", "f", action=Action.DENY, status=self._status)
            )

    @property
    def phases(self) -> list[tuple[int, int]]:
        return [(first.value, last.value) for first, last, *_ in self.asked]

    def world(self, logs: bool = False, wanted: frozenset[str] = FILLED) -> Inspection:
        return Inspection([self], "watching", 1.0, wanted=wanted, logs=logs)


@pytest.mark.parametrize("logs", [False, True])
async def test_phases_in_order(logs: bool) -> None:
    last = [(5, 5)] if logs else []
    for request, phases in ((get(), [(1, 2), (3, 4)]), (post(b"a=b"), [(1, 1), (2, 2), (3, 4)])):
        watching = Watching()
        async with world(inspection=watching.world(logs)) as made:
            assert (await made.ask(request)).status == 200
            await made.records.record()
        assert watching.phases == phases + last
    # An answer without a text has no phase less.
    watching = Watching()
    async with world(inspection=watching.world(logs)) as made:
        made.inside.usual = ok(b"\0", b"image/png")
        assert (await made.ask(get())).status == 200
        await made.records.record()
    assert watching.phases == [(1, 2), (3, 4), *last]
    assert "reply.body" not in watching.asked[1][3]


async def test_what_is_found_when_all_is_over_is_recorded_and_changes_nothing() -> None:
    watching = Watching(denies=Phase.LOG)
    async with world(inspection=watching.world(logs=True)) as made:
        assert (await made.ask(get())).status == 200
        record = await made.records.record()
        assert (record["status"], record["verdict"], record["rules"]) == (200, "allow", ["x"])


async def test_phase_log_comes_after_a_refusal_too() -> None:
    watching = Watching(denies=Phase.HEAD)
    async with world(inspection=watching.world(logs=True)) as made:
        assert (await made.ask(get())).status == 403
        await made.records.record()
    assert watching.phases == [(1, 2), (5, 5)]


@pytest.mark.parametrize(("asked", "status"), [(0, 403), (406, 406), (503, 503), (302, 403), (999, 403)])
@pytest.mark.parametrize("phase", [Phase.HEAD, Phase.BODY, Phase.REPLY_HEAD])
async def test_a_rule_that_denies_may_choose_the_status(phase: Phase, asked: int, status: int) -> None:
    async with world(inspection=Watching(denies=phase, status=asked).world()) as made:
        assert (await made.ask(post(b"a=b"))).status == status
        assert (await made.records.record())["status"] == status


async def test_a_body_is_read_as_a_rule_says() -> None:
    for routes in ((Route("all", "web"),), STREAM):
        watching = Watching(Controls(body_processor="JSON"))
        async with world(inspection=watching.world(), routes=routes) as made:
            got = await made.ask(post(b'{"a":1}', b"text/plain"))
            assert (got.status, made.inside.requests[0].body) == (200, b'{"a":1}')
        body = watching.asked[1][3]
        assert (body["args.plain"], body["body.type"]) == ([b"1"], [b"JSON"])


async def test_a_body_is_not_looked_at_where_a_rule_says_so() -> None:
    for routes in ((Route("all", "web"),), STREAM):
        for request in (
            post(b"a=b"),
            post(b"{", JSON),
            post(b"x", b"image/png"),
            post(form(part(b"a", b"b")), MULTIPART),
        ):
            watching = Watching(Controls(body_access=False))
            async with world(inspection=watching.world(), routes=routes) as made:
                assert (await made.ask(request)).status == 200
                assert request.endswith(made.inside.requests[0].body)
            seen = [fields for *_, fields in watching.asked]
            assert all(fields.get("body.length", [b"0"]) == [b"0"] for fields in seen)
            assert not any({"args.plain", "body", "body.raw", "body.error"} & set(fields) for fields in seen)
            assert (2, 2) in watching.phases or (1, 2) in watching.phases


async def test_an_answer_is_not_looked_at_where_a_rule_says_so() -> None:
    watching = Watching(Controls(reply_body_access=False))
    async with world(inspection=watching.world()) as made:
        assert (await made.ask(get())).body == b"inside"
    assert watching.phases == [(1, 2), (3, 4)]
    assert "reply.body" not in watching.asked[1][3]


async def test_nothing_is_held_for_rules_that_nobody_has(tmp_path: Path) -> None:
    watching = Watching()
    async with world(inspection=watching.world(wanted=frozenset({"method"})), folder=str(tmp_path)) as made:
        await made.ask(post(b"a=b"))
        await made.ask(post(b"x" * 600_000, b"text/plain"))
    assert {name for *_, fields in watching.asked for name in fields} == {"method"}
    assert watching.phases == [(1, 1), (2, 2), (3, 4)] * 2


async def test_a_long_body_comes_in_parts_of_which_the_last_stands_with_all_else(tmp_path: Path) -> None:
    body = bytes(range(256)) * 2500
    for content_type in (b"image/png", b"text/plain"):
        watching = Watching()
        wanted = frozenset({"body.raw", "body.length", "method"})
        async with world(inspection=watching.world(wanted=wanted), folder=str(tmp_path)) as made:
            assert (await made.ask(post(body, content_type))).status == 200
        parts = [(part, fields["body.raw"][0]) for first, _, part, fields in watching.asked if first is Phase.BODY]
        assert [part for part, _ in parts] == [True, True, False]
        whole = parts[0][1]
        for _, window in parts[1:]:
            assert window.startswith(whole[-4096:])
            whole += window[4096:]
        assert whole == body
        assert watching.asked[-2][3]["body.length"] == [b"%d" % len(body)]


async def test_a_client_that_is_gone_has_its_log_phase_and_its_record() -> None:
    watching = Watching()
    async with world(inspection=watching.world(logs=True)) as made:
        caller = await made.call()
        caller.send(post(b"a=b")[:-1])
        await asyncio.sleep(0.1)
        caller.close()
        assert (await made.records.record())["reason"] == "client-gone"
    assert watching.phases[-1] == (5, 5)


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


# A staged set beside the one in force.

FEW = linked((rule("few", "never-[0-9]", "args.get", phase=Phase.HEAD),))


def staged(made: World, rules: RuleSet) -> tuple[Shadow, list[dict[str, object]]]:
    """Have these judge beside what is in force; audit records of what they say otherwise."""
    records: list[dict[str, object]] = []
    shadow = Shadow(
        RuleInspector(rules, 1 << 20),
        Staging(load=1.0),
        lambda line: records.append(json.loads(line)),
        wanted=rules.fields,
    )
    made.site.shadow = shadow
    return shadow, records


async def judged(shadow: Shadow) -> None:
    if shadow._work is not None:
        await asyncio.wait_for(shadow._work, 10)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_staged_set_sees_what_the_one_in_force_does(tmp_path: Path, place: str, stream: bool) -> None:
    """Both say the same where they are the same; and it finds what it looks for where the other looks nowhere."""
    routes = (Route("all", "web", stream=stream),)
    for in_force, verdict in ((linked(), "deny"), (FEW, "allow")):
        async with world(folder=str(tmp_path), rules=in_force, routes=routes) as made:
            shadow, records = staged(made, linked())
            caller = await made.call()
            caller.send(PLACES[place])
            await caller.answer(PLACES[place].split(b" ", 1)[0])
            caller.end()
            await asyncio.wait_for(caller.rest(), 10)
            await judged(shadow)
            report = shadow.report()
            assert (report.judged, report.failed, report.dropped) == (1, 0, 0)
            assert report.new_denials == len(records) == (verdict == "allow")
            for record in records:
                assert (record["verdict"], record["ruleset"], record["route"]) == (verdict, in_force.name, "all")
            shadow.close()


async def test_a_staged_set_sees_answers(tmp_path: Path) -> None:
    async with world(folder=str(tmp_path), rules=FEW) as made:
        shadow, _ = staged(made, linked())
        made.inside.usual = ok(b"leak-1")
        assert (await made.ask(get(b"/"))).status == 200
        await judged(shadow)
        assert [change.rule for change in shadow.report().changes] == ["leak"]
        shadow.close()


async def test_where_nobody_looks_nothing_is_staged(tmp_path: Path) -> None:
    async with world(folder=str(tmp_path), routes=(off(),)) as made:
        shadow, _ = staged(made, linked())
        assert (await made.ask(get(b"/?q=attack-1"))).status == 200
        await judged(shadow)
        assert shadow.report().judged == 0
        shadow.close()


async def test_long_windows_are_judged_by_both(tmp_path: Path) -> None:
    """A file of several windows, which are forgotten one after another."""
    body = form(part(b"f", b"x" * 700_000 + b" attack-1 " + b"y" * 300_000, b'; filename="a.bin"'))
    for in_force, new in ((linked(), 0), (FEW, 1)):
        async with world(folder=str(tmp_path), rules=in_force) as made:
            shadow, _ = staged(made, linked())
            await made.ask(post(body, MULTIPART))
            await judged(shadow)
            assert (shadow.report().judged, shadow.report().new_denials) == (1, new)
            shadow.close()
