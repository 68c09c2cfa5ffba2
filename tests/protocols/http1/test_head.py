"""The gate: tables of heads, the desync corpus, damage of every kind, and three other parsers as second opinions."""

import asyncio
import base64
import gzip
import json
from collections import Counter
from pathlib import Path

import h11
import httptools
import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParserPy
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.errors import HttpError
from revproxy.model import HttpLimits
from revproxy.protocols.http1 import (
    Framing,
    RequestHead,
    body_framing,
    parse_request,
    parse_response,
    write_request,
)
from revproxy.protocols.http1.fields import TOKEN

LIMITS = HttpLimits()
DATA = Path(__file__).parents[2] / "data/http1"
CORPUS = Path(__file__).parents[4] / "shared/corpora/desync.jsonl.gz"

# The fixed list of llhttp; every other method is a parse error there.
LLHTTP_METHODS = (
    b"GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT MKACTIVITY "
    b"CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK UNLINK BIND REBIND UNBIND ACL"
).split()


def unescape(text: str) -> bytes:
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (DATA / name).read_text().split("\n") if line and not line.startswith("#")]


def outcome(head: bytes) -> str:
    try:
        parse_request(head, LIMITS)
    except HttpError as error:
        return str(error.status)
    return "ok"


REQUESTS = rows("requests.tsv")
RESPONSES = rows("responses.tsv")


@pytest.mark.parametrize("case", REQUESTS, ids=[case[1] for case in REQUESTS])
def test_requests(case: list[str]) -> None:
    expected, _, head = case
    assert outcome(unescape(head) + b"\r\n\r\n") == expected


@pytest.mark.parametrize("case", RESPONSES, ids=[case[1] for case in RESPONSES])
def test_responses(case: list[str]) -> None:
    expected, _, head = case
    try:
        parse_response(unescape(head) + b"\r\n\r\n", LIMITS)
        got = "ok"
    except HttpError as error:
        got = str(error.status)
    assert got == expected


def test_a_request_in_full() -> None:
    head = parse_request(
        b"POST http://Example.ORG:8080/a?b HTTP/1.1\r\nhost:example.org:8080 \r\nCoNTent-LENGTH: 12\r\n"
        b"X: 1\r\nx:\t2 \r\n"
        b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n\r\n",
        LIMITS,
    )
    assert (head.method, head.target, head.version) == (b"POST", b"/a?b", b"HTTP/1.1")
    assert (head.host, head.content_length, head.chunked) == (b"example.org:8080", 12, False)
    assert (head.expect, head.keep_alive, head.upgrade) == (True, False, True)
    assert head.connection == {b"upgrade", b"close"}
    assert head.fields[2:4] == [(b"X", b"1"), (b"x", b"2")]
    assert head.names == [b"host", b"content-length", b"x", b"x", b"connection", b"upgrade", b"expect"]
    assert (head.get(b"x"), head.get(b"y")) == (b"1", None)


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"keep-alive", True),
        (b"1.1", b"Close", False),
        (b"1.1", b"keep-alive, close", False),
        (b"1.0", b"", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_keep_alive(version: bytes, connection: bytes, keep_alive: bool) -> None:
    field = b"Connection: " + connection + b"\r\n\r\n"
    assert parse_request(b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + field, LIMITS).keep_alive is keep_alive
    assert parse_response(b"HTTP/" + version + b" 200 OK\r\n" + field, LIMITS).keep_alive is keep_alive


def test_the_expectation_of_http_1_0_is_ignored() -> None:
    assert not parse_request(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", LIMITS).expect


@pytest.mark.parametrize(
    ("status", "fields", "method", "framing"),
    [
        (200, b"Content-Length: 5\r\n", b"GET", Framing.LENGTH),
        (200, b"Content-Length: 0\r\n", b"GET", Framing.NONE),
        (200, b"Content-Length: 5\r\n", b"HEAD", Framing.NONE),
        (200, b"Transfer-Encoding: chunked\r\n", b"GET", Framing.CHUNKED),
        (200, b"Transfer-Encoding: chunked\r\n", b"HEAD", Framing.NONE),
        (200, b"", b"GET", Framing.CLOSE),
        (304, b"Content-Length: 5\r\n", b"GET", Framing.NONE),
        (204, b"", b"GET", Framing.NONE),
        (100, b"", b"POST", Framing.NONE),
        (103, b"Content-Length: 5\r\n", b"GET", Framing.NONE),
    ],
)
def test_framing_of_answers(status: int, fields: bytes, method: bytes, framing: Framing) -> None:
    response = parse_response(b"HTTP/1.1 %d x\r\n%b\r\n" % (status, fields), LIMITS)
    assert body_framing(response, method) is framing
    assert response.content_length == (None if b"Content" not in fields else int(fields.split()[1]))


def test_limits() -> None:
    field = b"X: y\r\n"
    start = b"GET / HTTP/1.1\r\nHost: a\r\n"
    assert outcome(start + field * 99 + b"\r\n") == "ok"
    assert outcome(start + field * 100 + b"\r\n") == "431"
    assert outcome(start + b"X: " + b"y" * LIMITS.head_bytes + b"\r\n\r\n") == "431"
    assert outcome(b"GET /" + b"x" * (LIMITS.target_bytes - 1) + b" HTTP/1.1\r\nHost: a\r\n\r\n") == "ok"
    assert outcome(b"GET /" + b"x" * LIMITS.target_bytes + b" HTTP/1.1\r\nHost: a\r\n\r\n") == "414"
    assert outcome(b"GET /" + b"\xe9" * (LIMITS.target_bytes // 3) + b" HTTP/1.1\r\nHost: a\r\n\r\n") == "ok"
    assert outcome(b"GET /" + b"\xe9" * (LIMITS.target_bytes // 2) + b" HTTP/1.1\r\nHost: a\r\n\r\n") == "414"


@pytest.mark.parametrize("head", [b"", b"\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_an_incomplete_head_is_refused(head: bytes) -> None:
    assert outcome(head) == "400"


def test_what_follows_a_head_is_no_part_of_it() -> None:
    assert outcome(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nX: y\r\n\r\n") == "400"


def test_desync_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    if not CORPUS.exists():
        pytest.skip("left out: the 159 requests of the desync corpus are not on this machine")
    known = {row[1]: row[0] for row in rows("desync-compliant-refused.tsv")}
    table: Counter[tuple[str, str]] = Counter()
    refused = {}
    for line in gzip.decompress(CORPUS.read_bytes()).splitlines():
        case = json.loads(line)
        head, end, _ = base64.b64decode(case["raw_b64"]).partition(b"\r\n\r\n")
        got = outcome(head + end) if end else "400"
        table[case["tier"], got] += 1
        if case["tier"] == "Compliant" and got != "ok":
            refused[case["id"]] = got
    with capsys.disabled():
        print("\ndesync corpus:", ", ".join(f"{tier} {got}: {n}" for (tier, got), n in sorted(table.items())))
    assert table["Severe", "ok"] == 0
    assert refused == known
    assert len(refused) <= 4


# Damage: whatever stands there, the gate parses it or raises HttpError.

START = st.sampled_from([unescape(case[2]) + b"\r\n\r\n" for case in (*REQUESTS, *RESPONSES)])
BITS = st.sampled_from(
    [b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\0", b"\xff", b"_", b",", b"#", b"/", b"Host: b\r\n"]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    head = bytearray(draw(START))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(head)))
        head[at : at + draw(st.integers(0, 3))] = draw(BITS)
    return bytes(head)


@settings(max_examples=500)
@given(st.one_of(damaged(), st.binary(max_size=200)))
def test_parses_or_raises_its_one_error(head: bytes) -> None:
    for parse in (parse_request, parse_response):
        try:
            parsed = parse(head, LIMITS)
        except HttpError:
            continue
        lines = head.split(b"\r\n")
        assert lines[-2:] == [b"", b""]
        assert len(parsed.fields) == len(parsed.names) == len(lines) - 3
        for (name, value), line in zip(parsed.fields, lines[1:-2], strict=True):
            assert line.startswith(name + b":")
            assert line[len(name) + 1 :].strip(b" \t") == value
            assert not set(value) & set(b"\r\n\0")
        assert parsed.names.count(b"content-length") <= 1
        assert not {b"content-length", b"transfer-encoding"}.issubset(parsed.names)


# Second opinions: every head that we take, written by us, is the same request to three other parsers.

NAME = st.text("".join(map(chr, TOKEN)), min_size=1, max_size=20).map(str.encode)
VALUE = st.text([chr(c) for c in range(256) if c == 9 or (c >= 32 and c != 127)], max_size=40).map(
    lambda text: text.encode("latin-1")
)
METHOD = st.one_of(
    st.sampled_from(LLHTTP_METHODS), st.sampled_from([b"RPC_IN_DATA", b"BPROPFIND", b"CCM_POST", b"QUERYX"])
)
PATH = st.text([chr(c) for c in range(0x21, 0x7F) if chr(c) != "#"], max_size=40).map(
    lambda text: b"/" + text.encode()
)
BODY = st.sampled_from([(), ((b"Content-Length", b"5"),), ((b"Transfer-Encoding", b"chunked"),)])
AFTER = {(): b"", b"Content-Length": b"hello", b"Transfer-Encoding": b"5\r\nhello\r\n0\r\n\r\n"}
MEANT = frozenset(b"host content-length transfer-encoding connection upgrade expect content-encoding".split())


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A head as we would write it, and its body on the wire."""
    fields = draw(st.lists(st.tuples(NAME, VALUE), max_size=12))
    framing = draw(BODY)
    fields = [field for field in fields if field[0].lower() not in MEANT]
    at = draw(st.integers(0, len(fields)))
    head = write_request(draw(METHOD), draw(PATH), [*fields[:at], (b"Host", b"a.example"), *framing, *fields[at:]])
    return head, AFTER[framing[0][0] if framing else ()]


Seen = tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]


def seen_by_us(head: RequestHead, body: bytes) -> Seen:
    fields = [(name, field[1]) for name, field in zip(head.names, head.fields, strict=True)]
    return head.method, head.target, fields, body


def seen_by_h11(wire: bytes) -> Seen:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)
    connection.receive_data(wire)
    request = connection.next_event()
    assert isinstance(request, h11.Request)
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert connection.trailing_data[0] == b""
    return bytes(request.method), bytes(request.target), [(bytes(n), bytes(v)) for n, v in request.headers], body


def seen_by_httptools(wire: bytes) -> Seen:
    class Callbacks:
        target = body = b""
        ended = 0

        def __init__(self) -> None:
            self.fields: list[tuple[bytes, bytes]] = []

        def on_url(self, url: bytes) -> None:
            self.target += url

        def on_header(self, name: bytes, value: bytes) -> None:
            self.fields.append((name.lower(), value.strip(b" \t")))

        def on_body(self, data: bytes) -> None:
            self.body += data

        def on_message_complete(self) -> None:
            self.ended += 1

    callbacks = Callbacks()
    parser = httptools.HttpRequestParser(callbacks)
    parser.feed_data(wire)
    assert callbacks.ended == 1
    return parser.get_method(), callbacks.target, callbacks.fields, callbacks.body


async def seen_by_aiohttp(wire: bytes) -> Seen:
    """Its parser in Python, the strictest of the three; 128 fields, lines of 64 KiB."""
    loop = asyncio.get_running_loop()
    parser = HttpRequestParserPy(
        BaseProtocol(loop), loop, 2**16, max_line_size=2**16, max_field_size=2**16, auto_decompress=False
    )
    ((message, payload),), _, tail = parser.feed_data(wire)
    assert not tail
    assert payload.is_eof()
    fields = [(name.lower(), value) for name, value in message.raw_headers]
    return message.method.encode(), message.path.encode(), fields, await payload.read()


@settings(max_examples=400)
@given(requests())
def test_second_opinions(request_and_body: tuple[bytes, bytes]) -> None:
    head, after = request_and_body
    try:
        parsed = parse_request(head, LIMITS)
    except HttpError as error:
        assert error.reason in ("forged-name", "repeated-field")  # noqa: PT017 - the only two that may refuse these
        return
    ours = seen_by_us(parsed, b"hello" if after else b"")
    assert seen_by_h11(head + after) == ours
    assert asyncio.run(seen_by_aiohttp(head + after)) == ours
    if parsed.method in LLHTTP_METHODS:
        assert seen_by_httptools(head + after) == ours
