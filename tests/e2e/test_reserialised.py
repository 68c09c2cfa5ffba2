"""Whatever valid request comes in, what goes inside is one request that everybody reads alike.

Requests are generated, sent on a wire to a front, and the bytes that reached the inside are given to h11, to
aiohttp's parser written in Python and, for the methods that it knows, to llhttp (httptools). Each must read exactly
one request, and the same: method, target, header fields and body. The coverage is printed.

10,000 requests, which takes about half a minute.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import string
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import h11
import httptools
import pytest
import uvloop
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParserPy
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "proxy" / "http"))

from harness import TRANSFER_CODERS, Asked, World, coded, limited, off

REQUESTS = 10_000
MOST_PIPELINED = 4

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

KNOWN = [
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"SEARCH",
    b"REPORT",
    b"MKACTIVITY",
    b"CHECKOUT",
    b"MERGE",
    b"M-SEARCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"PURGE",
    b"MKCALENDAR",
    b"LINK",
    b"UNLINK",
    b"BIND",
    b"REBIND",
    b"UNBIND",
    b"ACL",
]
ODD = [
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"BPROPFIND",
    b"VERSION-CONTROL",
    b"CCM_POST",
    b"BITS_POST",
    b"get",
    b"X",
    b"!#$%&'*+-.^_`|~9",
]
TOKEN = "!#$%&'*+-.^`|~" + string.digits + string.ascii_letters
TARGET = "".join(chr(byte) for byte in range(0x21, 0x7F) if chr(byte) not in "#?") + "\x80\xa0\xe9\xff"
VALUE = bytes(byte for byte in range(256) if byte >= 32 and byte != 127)


@dataclass(frozen=True)
class Sent:
    """A request as a client writes it, and the body that it means."""

    method: bytes
    target: bytes
    raw: bytes
    body: bytes | None
    kind: str
    framing: str
    fields: tuple[tuple[bytes, bytes], ...]
    head_bytes: int


names = st.text(TOKEN, min_size=1, max_size=24).map(lambda text: b"X-" + text.encode())
values = st.binary(max_size=60).map(
    lambda data: bytes(byte for byte in data if byte == 9 or (byte >= 32 and byte != 127)).strip(b" \t")
)
usual_fields = st.sampled_from(
    [
        (b"Accept", b"*/*"),
        (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
        (b"Cookie", b"a=b; c=d"),
        (b"Cookie", b"e=f"),
        (b"Referer", b"https://site.example/?q=1"),
        (b"Range", b"bytes=0-10"),
        (b"X-Forwarded-For", b"192.0.2.66"),
        (b"Forwarded", b"for=192.0.2.66"),
        (b"Via", b"1.1 elsewhere"),
        (b"Connection", b"keep-alive"),
        (b"Connection", b"X-Mine, keep-alive"),
        (b"X-Mine", b"for this hop"),
        (b"TE", b"trailers"),
        (b"Upgrade", b"h2c"),
        (b"Proxy-Authorization", b"Basic eDp5"),
    ]
)


def many_fields(number: int) -> list[tuple[bytes, bytes]]:
    """80 to 95 fields, made from one number: drawing each by itself would take most of the time."""
    chance = random.Random(number)
    return [
        (
            b"X-" + bytes(chance.choices(TOKEN.encode(), k=chance.randint(1, 20))),
            bytes(chance.choices(VALUE, k=30)).strip(),
        )
        for _ in range(chance.randint(80, 95))
    ]


fields = st.one_of(
    st.lists(st.one_of(usual_fields, st.tuples(names, values)), max_size=12),
    st.integers(0, 1 << 32).map(many_fields),
    st.integers(4_000, 31_000).map(lambda size: [(b"X-Large", b"l" * size)]),
)
paths = st.text(TARGET, max_size=40).map(lambda text: b"/" + text.encode("latin-1"))
queries = st.one_of(st.just(b""), st.text(TARGET + "?", max_size=60).map(lambda text: b"?" + text.encode("latin-1")))
transfer_codings = st.lists(st.sampled_from(sorted(TRANSFER_CODERS)), min_size=1, max_size=3).map(", ".join)
words = st.text(max_size=30)
pairs = st.lists(st.tuples(words, words), max_size=6)


def multipart(parts: Sequence[tuple[bytes, bytes]]) -> bytes:
    head = b'--B0\r\nContent-Disposition: form-data; name="%d"; filename="f"\r\n\r\n%b\r\n'
    return b"".join(head % (number, part[1]) for number, part in enumerate(parts)) + b"--B0--\r\n"


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=10,
)
bodies = st.one_of(
    st.just(("none", None, b"")),
    pairs.map(lambda p: ("urlencoded", urlencode(p).encode(), b"application/x-www-form-urlencoded")),
    json_values.map(lambda v: ("json", json.dumps(v).encode(), b"application/json")),
    st.lists(st.tuples(st.just(b""), st.binary(max_size=200)), min_size=1, max_size=4).map(
        lambda p: ("multipart", multipart(p), b"multipart/form-data; boundary=B0")
    ),
    st.text(string.ascii_letters, max_size=99).map(lambda t: ("xml", f"<a b='c'>{t}</a>".encode(), b"text/xml")),
    st.binary(max_size=3_000).map(lambda data: ("raw", data, b"application/octet-stream")),
    st.integers(60_000, 200_000).map(lambda size: ("large raw", bytes(size), b"image/x")),
)


def chunks(body: bytes, cuts: Sequence[int], extension: bytes, trailer: bytes) -> bytes:
    edges = [0, *sorted({cut % (len(body) + 1) for cut in cuts}), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(edges) if b > a]
    sized = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return sized + b"0\r\n" + trailer + b"\r\n"


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    method = draw(
        st.one_of(
            st.sampled_from(KNOWN), st.sampled_from(ODD), st.text(TOKEN, min_size=1, max_size=24).map(str.encode)
        )
    )
    if method.upper() in (b"CONNECT", b"TRACE"):
        method = b"X-" + method
    kind, body, content_type = draw(bodies)
    target = draw(paths) + draw(queries)
    if draw(st.integers(0, 20)) == 0:
        target = draw(
            st.sampled_from(
                [b"http://Site.example" + target, b"*"] if method == b"OPTIONS" else [b"http://Site.example" + target]
            )
        )
    lines = list(draw(fields))
    framing = "none"
    wire = b""
    if body is not None:
        lines.append((b"Content-Type", content_type))
        # Large bodies here are nothing but zeros: under a coding they would be bombs.
        framing = draw(st.sampled_from(["length", "chunked", "chunked" if kind == "large raw" else "coded"]))
        if framing == "length":
            lines.append((b"content-length", b"%d" % len(body)))
            wire = body
        else:
            codings = draw(transfer_codings) if framing == "coded" else ""
            lines.append((b"transfer-encoding", f"{codings},Chunked".lstrip(",").encode()))
            cuts = draw(st.lists(st.integers(0, 1 << 20), max_size=8))
            wire = chunks(
                coded(body, codings) if codings else body,
                cuts,
                draw(st.sampled_from([b"", b";a=b", b';a="x;y"'])),
                draw(st.sampled_from([b"", b"Trailing: a\r\nHost: evil\r\n"])),
            )
    order = draw(st.randoms(use_true_random=False))
    order.shuffle(lines)
    space = draw(st.sampled_from([b" ", b"", b"\t ", b"   "]))
    head = b"%b %b HTTP/1.1\r\nhOST:%bsite.example\r\n" % (method, target, space)
    head += b"".join(b"%b:%b%b%b\r\n" % (name, space, value, space) for name, value in lines) + b"\r\n"
    return Sent(method, target, head + wire, body, kind, framing, tuple(lines), len(head))


# Reading.

Read = tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...], bytes]


def by_h11(raw: bytes) -> Read:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 17)
    connection.receive_data(raw)
    head, body = None, b""
    while True:
        event = connection.next_event()
        match event:
            case h11.Request():
                assert head is None
                head = event
            case h11.Data():
                body += bytes(event.data)
            case h11.EndOfMessage():
                assert not list(event.headers)
                break
            case _:
                raise AssertionError(f"h11: {event!r}")
    assert connection.trailing_data[0] == b""
    assert head is not None
    return bytes(head.method), bytes(head.target), lower((bytes(n), bytes(v)) for n, v in head.headers), body


def by_aiohttp(raw: bytes, loop: asyncio.AbstractEventLoop) -> Read:
    protocol = BaseProtocol(loop)
    parser = HttpRequestParserPy(
        protocol, loop, 1 << 24, max_line_size=1 << 16, max_field_size=1 << 16, max_headers=200, auto_decompress=False
    )
    messages, upgraded, rest = parser.feed_data(raw)
    assert not upgraded
    assert rest == b""
    [(message, payload)] = messages
    body = b""
    if payload is not None and hasattr(payload, "_buffer"):
        assert payload.is_eof()
        body = b"".join(payload._buffer)
    return message.method.encode(), message.path.encode("utf-8", "surrogateescape"), lower(message.raw_headers), body


def by_llhttp(raw: bytes) -> Read:
    class Seen:
        def __init__(self) -> None:
            self.target, self.body = b"", b""
            self.fields: list[tuple[bytes, bytes]] = []
            self.begun = self.complete = 0

        def on_message_begin(self) -> None:
            self.begun += 1

        def on_url(self, data: bytes) -> None:
            self.target += data

        def on_header(self, name: bytes, value: bytes) -> None:
            self.fields.append((name, value))

        def on_body(self, data: bytes) -> None:
            self.body += data

        def on_message_complete(self) -> None:
            self.complete += 1

    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    parser.feed_data(raw)
    assert (seen.begun, seen.complete) == (1, 1)
    return parser.get_method(), seen.target, lower(seen.fields), seen.body


def lower(lines: Any) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((bytes(name).lower(), bytes(value)) for name, value in lines)


# Comparing.


class Coverage:
    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.requests = 0

    def add(self, sent: Sent, pipelined: int, readers: int) -> None:
        self.requests += 1
        odd = sent.method not in KNOWN
        size = next(
            name for most, name in ((1 << 10, "<1k"), (8 << 10, "<8k"), (1 << 20, "<32k")) if sent.head_bytes < most
        )
        number = len(sent.fields)
        rows = {
            "method": "odd" if odd else sent.method.decode(),
            "body": sent.kind,
            "framing": sent.framing,
            "head bytes": size,
            "fields": "<20" if number < 20 else "<80" if number < 80 else "80-100",
            "on one segment": str(pipelined),
            "readers": str(readers),
        }
        for row, value in rows.items():
            self.counts.setdefault(row, Counter())[value] += 1

    def table(self, seconds: float) -> str:
        lines = [f"re-serialised: {self.requests} requests of {REQUESTS} asked for, {seconds:.0f} s"]
        for row, counter in self.counts.items():
            lines.append(f"  {row:<14} " + ", ".join(f"{value} {count}" for value, count in counter.most_common()))
        return "\n".join(lines)


def compare(sent: Sent, asked: Asked, loop: asyncio.AbstractEventLoop) -> int:
    """The number of readers that agree; all must."""
    raw = asked.raw
    readings = {"h11": by_h11(raw), "aiohttp": by_aiohttp(raw, loop)}
    if sent.method in KNOWN:
        readings["llhttp"] = by_llhttp(raw)
    target = quote_from_bytes(sent.target.removeprefix(b"http://Site.example"), safe=string.punctuation).encode()
    for reader, (method, got_target, lines, body) in readings.items():
        # aiohttp writes every method in capitals.
        assert method == (sent.method.upper() if reader == "aiohttp" else sent.method), reader
        assert got_target == target, reader
        assert body == (sent.body or b""), reader
        assert lines == readings["h11"][2], reader
    check_fields(sent, readings["h11"][2])
    return len(readings)


def check_fields(sent: Sent, lines: tuple[tuple[bytes, bytes], ...]) -> None:
    """One host, one framing, nothing of the hop; what is the client's own arrives unchanged and in order."""
    got = [name for name, _ in lines]
    assert got.count(b"host") == 1
    assert got.count(b"content-length") == (sent.body is not None)
    assert got.count(b"x-forwarded-for") == got.count(b"forwarded") == got.count(b"via") == 1
    assert not {b"transfer-encoding", b"te", b"trailer", b"upgrade", b"connection", b"trailing"} & set(got)
    mine = [
        (n.lower(), v) for n, v in sent.fields if n[:2] == b"X-" and n.lower() not in (b"x-mine", b"x-forwarded-for")
    ]
    assert [
        line
        for line in lines
        if line[0][:2] == b"x-" and line[0] != b"x-mine" and not line[0].startswith(b"x-forwarded-")
    ] == mine


async def send(front: World, batch: Sequence[Sent]) -> list[Asked]:
    """All requests of a batch in one segment; what reached the inside for each."""
    before = len(front.inside.requests)
    caller = await front.call()
    caller.send(b"".join(one.raw for one in batch))
    for one in batch:
        assert (await caller.answer(one.method)).status == 200, one.raw[:2000]
    caller.close()
    front._callers.remove(caller)
    got = front.inside.requests[before:]
    assert len(got) == len(batch), "more requests reached the inside than were sent"
    del front.inside.requests[before:]
    for wire in front.inside.wire:
        wire.clear()
    return got


def test_everybody_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    coverage = Coverage()
    began = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop = runner.get_loop()

        async def start() -> World:
            made = World(routes=[off()], limits=limited(http={"body_memory_bytes": 1 << 20}))
            await made.start()
            return made

        front = runner.run(start())

        @settings(
            max_examples=REQUESTS // MOST_PIPELINED,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(requests(), min_size=1, max_size=MOST_PIPELINED))
        def check(batch: list[Sent]) -> None:
            for sent, asked in zip(batch, runner.run(send(front, batch)), strict=True):
                coverage.add(sent, len(batch), compare(sent, asked, loop))

        try:
            for number in itertools.count():
                if coverage.requests >= REQUESTS:
                    break
                seed(number)(check)()
        finally:
            runner.run(front.stop())
    with capsys.disabled():
        print("\n" + coverage.table(time.perf_counter() - began))
    assert coverage.requests >= REQUESTS
    assert set(coverage.counts["body"]) == {"none", "urlencoded", "json", "multipart", "xml", "raw", "large raw"}
    assert set(coverage.counts["framing"]) == {"none", "length", "chunked", "coded"}
    assert len(coverage.counts["on one segment"]) == MOST_PIPELINED
    assert {"odd", "GET", "POST"} <= set(coverage.counts["method"])
    assert len(coverage.counts["method"]) >= 25
    assert {"<8k", "<32k"} <= set(coverage.counts["head bytes"])
