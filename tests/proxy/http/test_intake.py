"""Bodies taken in: stored, taken apart, judged; whatever the bytes, it ends in a verdict or a refusal."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import pytest
from harness import get, linked

from revproxy.detection.rules import FILLED
from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.model import ContentLimits, HttpLimits, Protocol, Transaction
from revproxy.protocols.http1 import RequestHead, parse_request
from revproxy.proxy.http.intake import flow, flow_unseen, store, take_in
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.reading import Reading
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
    await take_in(Pieces(pieces), shelf, Reading(request, ContentLimits(), most, FILLED), judging, transaction, most)
    return shelf.data, transaction


async def flowed(request: RequestHead, *pieces: bytes, most: int = MOST) -> tuple[list[bytes], Refused | None]:
    judging, transaction = judge()
    out: list[bytes] = []
    try:
        reading = Reading(request, ContentLimits(), most, FILLED, flowing=True)
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
    reading = Reading(head(content_type), ContentLimits(), MOST, FILLED)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    await take_in(Pieces(pieces), shelf, reading, judging, transaction, MOST)
    assert {"broken", "content"} <= {finding.rule for finding in transaction.findings}


async def test_a_text_of_no_known_type_is_looked_at_as_a_value_too() -> None:
    for body in (b"a: attack-1", b"x=attack%2d1", b'{"a":"attack\\u002d1"}', b"a" * 300_000 + b" attack-1"):
        shelf, (judging, transaction) = Shelf(), judge(enforces=False)
        reading = Reading(head(b"image/png"), ContentLimits(), MOST, FILLED)
        await take_in(Pieces([body]), shelf, reading, judging, transaction, MOST)
        assert "value" in {finding.rule for finding in transaction.findings}


async def test_too_much_is_413() -> None:
    with pytest.raises(Refused) as caught:
        await taken(head(b"image/x"), b"a" * 6, b"b" * 6, most=10)
    assert caught.value.status == 413
    with pytest.raises(Refused) as caught:
        await store(Pieces([b"a" * 6, b"b" * 6]), Shelf(), 10)
    assert caught.value.status == 413


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
