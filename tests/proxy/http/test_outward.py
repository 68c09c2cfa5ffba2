"""The fields of an answer as a client gets them, and what of its body is inspected."""

from __future__ import annotations

import gzip
import random
import zlib

import brotli
import pytest
from harness import get

from revproxy.inspection import Inspection, Policy
from revproxy.model import ContentLimits, Limits, Phase, Protocol, Transaction
from revproxy.protocols.http1 import ResponseHead, parse_request, parse_response
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Client, Line
from revproxy.proxy.http.outward import begin_judging, is_text, judge_body, judge_whole, outgoing_fields

LIMITS = Limits()
ORIGIN = b"http://10.0.0.5:80"
CLIENT = Client("192.0.2.1", "192.0.2.1", b"https", "web")
HTML = b"Content-Type: text/html"
NOISE = random.Random(1).randbytes(300)


def answer(*lines: bytes) -> ResponseHead:
    return parse_response(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]), LIMITS.http)


class Asked:
    """An inspector that writes down the phases it is asked for, how much is new, and what the fields hold."""

    name = "asked"

    def __init__(self) -> None:
        self.calls: list[tuple[Phase, Phase, int]] = []
        self.seen: dict[str, list[bytes]] = {}

    def inspect(self, transaction: Transaction, first: Phase, last: Phase, size: int, part: bool) -> None:
        self.calls.append((first, last, size))
        self.seen = {name: list(transaction.fields.values(name)) for name in transaction.fields}


def watched(*wanted: str) -> tuple[Judge, Transaction, Asked]:
    transaction, asked = Transaction("t", Protocol.HTTP), Asked()
    inspection = Inspection([asked], "x", 5.0, wanted=frozenset(wanted))
    return Judge(inspection, Policy(), transaction), transaction, asked


def seen(held: bytes, *lines: bytes, limits: ContentLimits = LIMITS.content) -> bytes:
    """What inspection sees of a body."""
    judge, _, asked = watched("reply.body", "reply.length")
    assert judge_body(Phase.REPLY_BODY, held, True, answer(HTML, *lines), judge, limits) is None
    [plain] = asked.seen["reply.body"]
    assert asked.seen["reply.length"] == [b"%d" % len(plain)]
    assert asked.calls == [(Phase.REPLY_BODY, Phase.REPLY_BODY, len(plain))]
    return plain


# The fields.


@pytest.mark.parametrize(
    ("line", "goes"),
    [
        (b"Location: http://10.0.0.5/x", (b"Location", b"https://a.example/x")),
        (b"location: http://10.0.0.5:80/x", (b"location", b"https://a.example/x")),
        (b"Content-Location: http://10.0.0.5/x", (b"Content-Location", b"https://a.example/x")),
        (b"Refresh: 5; url=http://10.0.0.5/x", (b"Refresh", b"5; url=https://a.example/x")),
        (b"Location: /x", (b"Location", b"/x")),
        (b"Location: http://10.0.0.50/x", (b"Location", b"http://10.0.0.50/x")),
        (b"Link: <http://10.0.0.5/x>", (b"Link", b"<http://10.0.0.5/x>")),
    ],
)
def test_locations_get_the_name_that_the_client_used(line: bytes, goes: Line) -> None:
    request = parse_request(get(host=b"a.example"), LIMITS.http)
    assert outgoing_fields(answer(HTML, line), ORIGIN, request, CLIENT) == [(b"Content-Type", b"text/html"), goes]


def test_fields_of_the_connection_end_here() -> None:
    request = parse_request(get(), LIMITS.http)
    head = answer(b"X-Hop: 1", b"X-Other: 2", b"x-hop: 3", b"Connection: X-Hop, close")
    assert outgoing_fields(head, ORIGIN, request, CLIENT) == [
        (b"X-Other", b"2"),
        (b"Connection", b"X-Hop, close"),
    ]


# What is looked at.


@pytest.mark.parametrize(
    ("lines", "looked_at"),
    [
        ((b"Content-Type: text/html",), True),
        ((b"Content-Type: TEXT/Html ; charset=utf-8",), True),
        ((b"Content-Type: text/plain",), True),
        ((b"Content-Type: application/json",), True),
        ((b"Content-Type: application/problem+json",), True),
        ((b"Content-Type:",), True),
        ((), True),
        ((b"Content-Type: text/css",), False),
        ((b"Content-Type: text/html-not",), False),
        ((b"Content-Type: image/png",), False),
        ((b"Content-Type: text/event-stream",), False),
        ((b"Content-Type: image/png", b"Content-Type: text/html"), True),
        ((b"Content-Type: image/png", b"Content-Type: text/css"), False),
        ((b"Content-Type: image/png", b"Vary: a", b"Vary: b"), False),
        ((b"Vary: a", b"Vary: b"), True),
    ],
)
def test_types_that_are_inspected(lines: tuple[bytes, ...], looked_at: bool) -> None:
    head = answer(*lines)
    judge, transaction, _ = watched("reply.body")
    assert (is_text(head), begin_judging(head, transaction, judge)) == (looked_at, looked_at)


@pytest.mark.parametrize(
    ("wanted", "looked_at"),
    [("reply.body", True), ("reply.length", True), ("outbound.incomplete", True), ("status", False), ("body", False)],
)
def test_a_body_that_nobody_wants_is_not_looked_at(wanted: str, looked_at: bool) -> None:
    judge, transaction, _ = watched(wanted)
    assert begin_judging(answer(HTML), transaction, judge) is looked_at


def test_a_rule_may_say_that_it_is_not_looked_at() -> None:
    judge, transaction, _ = watched("reply.body", "status")
    transaction.controls = transaction.controls._replace(reply_body_access=False)
    assert not begin_judging(answer(HTML), transaction, judge)
    assert transaction.fields.first("status") == b"200"


@pytest.mark.parametrize(
    ("content_type", "fields", "size"),
    [
        (b"text/html", {"status": [b"200"], "reply.body": [b"hello"], "outbound.incomplete": [b"0"]}, 5),
        (b"image/png", {"status": [b"200"]}, 0),
    ],
)
def test_what_is_all_there_is_judged_at_once(content_type: bytes, fields: dict[str, list[bytes]], size: int) -> None:
    judge, transaction, asked = watched(*("status", "reply.body", "outbound.incomplete"))
    head = answer(b"Content-Type: " + content_type)
    assert judge_whole(b"hello", head, transaction, judge, LIMITS.content) is None
    assert asked.calls == [(Phase.REPLY_HEAD, Phase.REPLY_BODY, size)]
    assert asked.seen == fields


@pytest.mark.parametrize("complete", [True, False])
def test_whether_that_is_all_of_a_body_is_told(complete: bool) -> None:
    judge, _, asked = watched("outbound.incomplete")
    judge_body(Phase.REPLY_HEAD, b"hello", complete, answer(HTML), judge, LIMITS.content)
    assert asked.seen == {"outbound.incomplete": [b"0" if complete else b"1"]}
    assert asked.calls == [(Phase.REPLY_HEAD, Phase.REPLY_BODY, 5)]


# What is seen of a compressed body.


@pytest.mark.parametrize(
    ("held", "lines"),
    [
        (b"hello", ()),
        (b"hello", (b"Content-Encoding: Identity",)),
        (gzip.compress(b"hello"), (b"Content-Encoding: gzip",)),
        (gzip.compress(b"hello"), (b"Content-Encoding: GZIP",)),
        (gzip.compress(b"hello"), (b"Content-Encoding: identity", b"Content-Encoding: gzip")),
        (zlib.compress(b"hello"), (b"Content-Encoding: deflate",)),
        (brotli.compress(b"hello"), (b"Content-Encoding: br",)),
        (brotli.compress(gzip.compress(b"hello")), (b"Content-Encoding: gzip, br",)),
        # As it came where it cannot be decoded at all.
        (b"hello", (b"Content-Encoding: gzip",)),
        (b"hello", (b"Content-Encoding: zstd",)),
        (b"hello", (b"Content-Encoding: gzip, gzip, gzip, gzip",)),
    ],
)
def test_what_a_browser_would_see(held: bytes, lines: tuple[bytes, ...]) -> None:
    assert seen(held, *lines) == b"hello"


def test_nothing_stays_nothing() -> None:
    assert seen(b"", b"Content-Encoding: gzip") == b""


def test_what_is_cut_off_before_anything_comes_out_is_seen_as_it_came() -> None:
    packed = gzip.compress(b"hello")[:10]
    assert seen(packed, b"Content-Encoding: gzip") == packed


def test_of_what_is_cut_off_as_much_as_came() -> None:
    packed = gzip.compress(b"hello" + NOISE)
    plain = seen(packed[:-100], b"Content-Encoding: gzip")
    assert plain.startswith(b"hello")
    assert (b"hello" + NOISE).startswith(plain)


def test_of_what_breaks_what_came_before() -> None:
    packed = bytearray(gzip.compress(b"hello" + NOISE * 10, 0))
    packed[-8:] = b"\xff" * 8
    plain = seen(bytes(packed), b"Content-Encoding: gzip")
    assert plain.startswith(b"hello" + NOISE * 8)
    assert len(plain) <= 5 + len(NOISE) * 10


def test_of_what_is_too_long_decoded_its_beginning() -> None:
    limits = ContentLimits(argument_bytes=1000)
    plain = seen(gzip.compress(b"hello" + NOISE * 10, 0), b"Content-Encoding: gzip", limits=limits)
    assert 1000 - 64 <= len(plain) <= 1000
    assert (b"hello" + NOISE * 10).startswith(plain)


def test_a_bomb_is_not_blown_up() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    plain = seen(bomb, b"Content-Encoding: gzip")
    assert len(plain) <= LIMITS.content.argument_bytes
