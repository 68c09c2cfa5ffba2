"""Bodies taken in: stored, taken apart, judged; whatever the bytes, it ends in a verdict or a refusal."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import pytest
from harness import get, linked
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import ContentError, LimitError
from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.model import ContentLimits, HttpLimits, Protocol, Transaction
from revproxy.protocols.http1 import RequestHead, parse_request
from revproxy.proxy.http.intake import Reading, codings, flow, flow_unseen, flows, store, take_in
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.refusal import Refused

MOST = 1 << 20


class Pieces:
    """A body in pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.length = None
        self._pieces = [piece for piece in pieces if piece]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


class Shelf:
    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: bytes) -> None:
        self.data += data


def head(content_type: bytes = b"", *lines: bytes) -> RequestHead:
    typed = (b"Content-Type: " + content_type,) if content_type else ()
    return parse_request(get(b"/", *typed, *lines, method=b"POST"), HttpLimits())


def judge(enforces: bool = True) -> tuple[Judge, Transaction]:
    transaction = Transaction("t", Protocol.HTTP)
    inspection = Inspection([RuleInspector(linked(), 1 << 20)], "x", 5.0)
    return Judge(inspection, Policy(enforces=enforces), transaction), transaction


async def taken(request: RequestHead, *pieces: bytes, most: int = MOST) -> tuple[bytes, Transaction]:
    shelf, (judging, transaction) = Shelf(), judge()
    await take_in(Pieces(pieces), shelf, Reading(request, ContentLimits(), most), judging, transaction, most)
    return shelf.data, transaction


async def flowed(request: RequestHead, *pieces: bytes, most: int = MOST) -> tuple[list[bytes], Refused | None]:
    judging, transaction = judge()
    out: list[bytes] = []
    try:
        reading = Reading(request, ContentLimits(), most, flowing=True)
        async for piece in flow(Pieces(pieces), reading, judging, transaction, most):
            out.append(piece)
    except Refused as refusal:
        return out, refusal
    return out, None


@pytest.mark.parametrize(
    ("content_type", "body", "kind", "error"),
    [
        (b"application/x-www-form-urlencoded", b"a=b", b"URLENCODED", b""),
        (b"application/json", b"{}", b"JSON", b""),
        (b"text/xml", b"<a/>", b"XML", b""),
        (b"image/png", b"x", b"RAW", b""),
        (b"", b"x", b"", b""),
    ],
)
async def test_what_is_filled(content_type: bytes, body: bytes, kind: bytes, error: bytes) -> None:
    data, transaction = await taken(head(content_type), body)
    fields = transaction.fields
    assert data == body
    assert (fields.first("body.type"), fields.first("body.length")) == (kind, b"%d" % len(body))
    assert fields.first("body.error") == error


async def test_the_length_is_that_of_the_decoded_body() -> None:
    body = b"a=" + b"b" * 1000
    packed = gzip.compress(body)
    data, transaction = await taken(head(b"application/x-www-form-urlencoded", b"Content-Encoding: gzip"), packed)
    assert data == packed
    assert transaction.fields.first("body.length") == b"1002"


@pytest.mark.parametrize(
    "content_type",
    [
        b"no type",
        b"a/b; a=b; a=c",
        b"multipart/form-data",
        b"application/json; charset=utf-7",
        b"text/xml; charset=ibm037",
    ],
)
async def test_a_type_that_is_none_is_for_a_rule(content_type: bytes) -> None:
    with pytest.raises(Refused) as caught:
        await taken(head(content_type), b"{}")
    assert (caught.value.status, caught.value.verdict.score) == (403, 5)


BROKEN = [
    (b"application/json", b'{"a":1,"a":"attack-1"}'),
    (b"application/json", b'{"a":"attack-1",}'),
    (b"text/xml", b"<a>attack-1</a>]</b>"),
    (b"multipart/form-data; boundary=B", b"attack-1\r\n--B--\r\n"),
    (b"multipart/form-data; boundary=B", b"--B--\r\nattack-1"),
    (b"multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nattack-1'),
    (b"multipart/form-data", b"attack-1"),
]


@pytest.mark.parametrize(("content_type", "body"), BROKEN)
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_broken_body_is_looked_at_raw_as_well(content_type: bytes, body: bytes, size: int) -> None:
    shelf, (judging, transaction) = Shelf(), judge(enforces=False)
    reading = Reading(head(content_type), ContentLimits(), MOST)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    await take_in(Pieces(pieces), shelf, reading, judging, transaction, MOST)
    assert {"broken", "content"} <= {finding.rule for finding in transaction.findings}


async def test_a_text_of_no_known_type_is_looked_at_as_a_value_too() -> None:
    for body in (b"a: attack-1", b"x=attack%2d1", b'{"a":"attack\\u002d1"}', b"a" * 300_000 + b" attack-1"):
        shelf, (judging, transaction) = Shelf(), judge(enforces=False)
        reading = Reading(head(b"image/png"), ContentLimits(), MOST)
        await take_in(Pieces([body]), shelf, reading, judging, transaction, MOST)
        assert "value" in {finding.rule for finding in transaction.findings}


async def test_too_much_is_413() -> None:
    with pytest.raises(Refused) as caught:
        await taken(head(b"image/x"), b"a" * 6, b"b" * 6, most=10)
    assert caught.value.status == 413
    with pytest.raises(Refused) as caught:
        await store(Pieces([b"a" * 6, b"b" * 6]), Shelf(), 10)
    assert caught.value.status == 413


def test_codings_are_one_list() -> None:
    assert codings(head(b"")) == b""
    assert codings(head(b"", b"Content-Encoding: identity", b"content-encoding: gzip")) == b"identity,gzip"
    with pytest.raises(ContentError, match="bad_encoding"):
        Reading(head(b"", b"Content-Encoding: gzip", b"Content-Encoding: zstd"), ContentLimits(), MOST)


@pytest.mark.parametrize(
    ("content_type", "streams"),
    [
        (b"", True),
        (b"image/x", True),
        (b"multipart/form-data; boundary=a", True),
        (b"application/x-www-form-urlencoded", False),
        (b"application/json", False),
        (b"application/soap+xml", False),
    ],
)
def test_what_can_flow(content_type: bytes, streams: bool) -> None:
    assert flows(head(content_type)) is streams


async def test_a_raw_body_flows_piece_by_piece_and_is_cut() -> None:
    assert await flowed(head(b"image/x"), b"one", b"two") == ([b"one", b"two"], None)
    out, refusal = await flowed(head(b"image/x"), b"one", b"two att", b"ack-1", b"more")
    assert out == [b"one", b"two att"]
    assert refusal is not None
    assert refusal.status == 403


async def test_the_last_piece_of_any_other_body_waits_for_the_verdict() -> None:
    typed = head(b"multipart/form-data; boundary=B")
    part = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n%b\r\n'
    assert await flowed(typed, part % b"b", b"--B--\r\n") == ([part % b"b", b"--B--\r\n"], None)
    out, refusal = await flowed(typed, part % b"attack-1", b"--B--\r\n")
    assert out == []
    assert refusal is not None
    packed = gzip.compress(b"attack-1")
    out, refusal = await flowed(head(b"image/x", b"Content-Encoding: gzip"), packed[:5], packed[5:])
    assert out == [packed[:5]]
    assert refusal is not None


async def test_a_field_of_a_form_that_flows_is_judged_before_it_goes_on() -> None:
    typed = head(b"multipart/form-data; boundary=B")
    part = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n%b\r\n'
    pieces = [part % b"b", part % b"attack-1", part % b"c", part % b"d", b"--B--\r\n"]
    out, refusal = await flowed(typed, *pieces)
    assert out == pieces[:1]
    assert refusal is not None
    out, refusal = await flowed(typed, part % b"b", part % b"c", b"--B-x", b"more", b"and more")
    assert out == [part % b"b"]
    assert refusal is not None


async def test_a_text_of_structure_that_flows_waits_for_its_end() -> None:
    typed = head(b"text/plain")
    assert await flowed(typed, b'{"a":', b'"b"', b"}") == ([b'{"a":', b'"b"', b"}"], None)
    out, refusal = await flowed(typed, b'{"a":', b'"attack\\u002d1"', b"}")
    assert out == []
    assert refusal is not None
    big = [b"[" + b"1" * 100, *[b"1" * (1 << 20)] * 2, b"more"]
    shown, refusal = await flowed(typed, *big, most=4 << 20)
    assert (shown, refusal) == (big, None)


async def test_unseen_is_bounded_only() -> None:
    assert [piece async for piece in flow_unseen(Pieces([b"attack-1", b"x"]), 9)] == [b"attack-1", b"x"]
    with pytest.raises(Refused):
        [piece async for piece in flow_unseen(Pieces([b"attack-1", b"xx"]), 9)]


TYPES = [
    b"",
    b"image/x",
    b"application/json",
    b"text/xml",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=B",
]
HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.text("{}[]\",:\\u0\n<>/&;=%+-B'\r ", max_size=200).map(str.encode),
)


@given(st.sampled_from(TYPES), HOSTILE, st.booleans(), st.integers(0, 200))
def test_reading_never_raises_for_what_a_body_contains(
    content_type: bytes, body: bytes, flowing: bool, cut: int
) -> None:
    reading = Reading(head(content_type), ContentLimits(), MOST, flowing=flowing)
    try:
        reading.feed(body[:cut])
        reading.feed(body[cut:])
        reading.finish()
    except LimitError:
        return
    transaction = Transaction("t", Protocol.HTTP)
    reading.fill(transaction)
    assert transaction.fields.first("body.length") == b"%d" % len(body)


@given(st.binary(max_size=300), st.sampled_from([b"gzip", b"deflate", b"br", b"gzip, br"]))
def test_a_broken_coding_is_one_error(body: bytes, coding: bytes) -> None:
    reading = Reading(head(b"image/x", b"Content-Encoding: " + coding), ContentLimits(), MOST)
    try:
        reading.feed(body)
        reading.finish()
    except (ContentError, LimitError):
        pass


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8))
def test_at_once_every_byte_stands_in_a_window(pieces: list[bytes]) -> None:
    limits = ContentLimits(window_bytes=32, window_overlap_bytes=8)
    reading = Reading(head(b"image/x"), limits, MOST, flowing=True)
    body = b""
    for piece in pieces:
        reading.feed(piece)
        body += piece
        window = reading.collector.windows[-1][1]
        assert body.endswith(window[-8:])
        assert all(len(data) <= 32 for _, data in reading.collector.windows)
    whole = b"".join(data for _, data in reading.collector.windows)
    assert len(whole) >= len(body)
    for at in range(max(0, len(body) - 7)):
        assert any(body[at : at + 8] in data for _, data in reading.collector.windows)
