"""Bodies with transfer codings on a wire: decoded before they are judged, and sent on decoded, or refused."""

from __future__ import annotations

import asyncio
import gzip
import random
from dataclasses import replace
from pathlib import Path

import pytest
from harness import TRANSFER_CODERS, Asked, World, chunked, coded, get, off, world
from hypothesis import given
from hypothesis import strategies as st

from revproxy.config.settings import Route
from revproxy.errors import HttpError
from revproxy.model import HttpLimits
from revproxy.protocols.http1 import CodedReader, parse_request
from revproxy.proxy.http.coded import Coded, reader_of

LISTS = [*TRANSFER_CODERS, "gzip, deflate, identity, compress", "compress, compress", "x-compress, x-gzip"]
NOISE = random.Random(1).randbytes(700_000)
STREAMS = {"stored": False, "streamed": True}


def request(body: bytes, codings: str, *lines: bytes, content_type: bytes = b"image/x") -> bytes:
    """`body`, which was coded already, in chunks of at most 10,000 bytes."""
    pieces = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
    return chunked(*pieces, content_type=content_type, codings=codings.encode() + b", ", lines=lines)


class Payload:
    """What comes out of the chunks, in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


async def whole(body: Coded) -> bytes:
    out = b""
    while piece := await body.read():
        assert not body.done
        out += piece
    assert body.done
    assert await body.read() == b""
    return out


@given(st.binary(max_size=3000), st.sampled_from(sorted(TRANSFER_CODERS)), st.integers(1, 500))
def test_reads_like_any_body(data: bytes, codings: str, step: int) -> None:
    packed = coded(data, codings)
    payload = Payload(*(packed[at : at + step] for at in range(0, len(packed), step)))
    body = Coded(payload, CodedReader(codings, 100))
    assert body.length is None
    assert asyncio.run(whole(body)) == data


async def test_what_is_not_whole_is_not_done() -> None:
    body = Coded(Payload(gzip.compress(b"hello")[:-1]), CodedReader("gzip", 100))
    assert await body.read() == b"hello"
    with pytest.raises(HttpError, match="transfer-coding-data"):
        await body.read()
    assert not body.done


async def test_the_others_get_their_turn_between_pieces() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    body = Coded(Payload(coded(NOISE, "compress")), CodedReader("compress", 100))
    pieces = 0
    while await body.read():
        pieces += 1
    counting.cancel()
    assert turns >= pieces > 50


def test_only_codings_need_a_reader() -> None:
    def reader(*lines: bytes) -> CodedReader | None:
        return reader_of(parse_request(get(b"/", *lines, method=b"POST"), HttpLimits()), 100)

    assert reader(b"Transfer-Encoding: chunked") is None
    assert reader(b"Transfer-Encoding: Chunked", b"Content-Encoding: gzip") is None
    assert reader(b"Transfer-Encoding: gzip, chunked") is not None


@pytest.mark.parametrize("codings", LISTS)
@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
async def test_goes_inside_decoded(codings: str, streams: bool) -> None:
    bodies = (b"a=b&c=d", NOISE[:100_000], b"")
    async with world(routes=[Route("all", "web", stream=streams)]) as made:
        caller = await made.call()
        for body in bodies:
            caller.send(request(coded(body, codings), codings))
            assert (await caller.answer()).status == 200
        # Nothing of a coded body is left on the connection.
        assert (await caller.ask(get(b"/after"))).status == 200
        *posts, after = made.inside.requests
        assert [asked.body for asked in posts] == list(bodies)
        for asked, body in zip(posts, bodies, strict=True):
            assert asked.get(b"transfer-encoding") == (b"chunked" if streams else None)
            assert asked.get(b"content-length") == (None if streams else b"%d" % len(body))
        assert after.target == b"/after"


async def test_a_body_of_no_bytes_is_empty(plain: World) -> None:
    caller = await plain.call()
    for codings in LISTS:
        assert (await caller.ask(request(b"", codings), b"POST")).status == 200
    assert [(asked.body, asked.get(b"content-length")) for asked in plain.inside.requests] == [(b"", b"0")] * len(
        LISTS
    )


@pytest.mark.parametrize("codings", LISTS)
@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
async def test_is_judged_decoded(codings: str, streams: bool) -> None:
    form = b"application/x-www-form-urlencoded"
    async with world(routes=[Route("all", "web", stream=streams)]) as made:
        for body, content_type in ((b"a=attack-1", form), (NOISE[:40_000] + b"attack-1", b"image/x")):
            got = await made.ask(request(coded(body, codings), codings, content_type=content_type))
            assert got.status == 403
        assert made.inside.requests == []
        assert b"attack-1" not in made.inside.received


@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("route", [Route("all", "web"), off()], ids=["enforce", "off"])
@pytest.mark.parametrize(
    ("codings", "payload", "status", "reason"),
    [
        ("gzip", b"a=b", 400, "transfer-coding-data"),
        ("gzip", gzip.compress(b"a=b")[:-1], 400, "transfer-coding-data"),
        ("gzip", gzip.compress(b"a=b") + b"GET /smuggled", 400, "transfer-coding-data"),
        ("gzip", gzip.compress(NOISE)[:-5000], 400, "transfer-coding-data"),
        ("gzip, deflate", coded(b"a=b", "deflate,gzip"), 400, "transfer-coding-data"),
        ("gzip, deflate", coded(b"", "deflate"), 400, "transfer-coding-data"),
        ("compress", b"a=b", 400, "transfer-coding-data"),
        ("compress", coded(b"a=b", "compress")[:-1], 400, "transfer-coding-data"),
        ("deflate", coded(b"a=b", "deflate")[2:-4], 400, "transfer-coding-data"),
        ("gzip", gzip.compress(bytes(1 << 20)), 400, "inflate_ratio"),
        ("compress, gzip", coded(bytes(1 << 20), "compress,gzip"), 400, "inflate_ratio"),
        ("gzip", gzip.compress(NOISE + bytes(400_000)), 413, "body_bytes"),
        ("identity", NOISE * 2, 413, "body_bytes"),
    ],
)
async def test_refusals(
    tmp_path: Path, route: Route, streams: bool, codings: str, payload: bytes, status: int, reason: str
) -> None:
    routes = [replace(route, stream=streams, body_bytes=1_000_000)]
    async with world(folder=str(tmp_path), routes=routes) as made:
        caller = await made.call()
        caller.send(request(payload, codings) + get(b"/smuggled"))
        got = await caller.answer()
        assert (got.status, got.get(b"connection")) == (status, b"close")
        assert (await made.records.record())["reason"] == reason
        # What follows is no request, and the inside never got the whole of one.
        assert await caller.rest() == b""
        if made.inside.connections:
            await made.inside.left()
        assert made.inside.requests == []


async def test_both_kinds_of_coding_have_one_ratio() -> None:
    """Each of them within its own would let a client make us inflate by its square."""
    text = b"a=" + b"b" * 50_000
    twice = gzip.compress(gzip.compress(text))
    async with world() as made:
        line = b"Content-Encoding: gzip"
        assert (await made.ask(request(twice, "gzip", line))).status == 200
        [asked] = made.inside.requests
        assert gzip.decompress(asked.body) == text
        assert asked.get(b"content-encoding") == b"gzip"
        inner = gzip.compress(NOISE[:5000] + bytes(200_000))
        padded = inner + gzip.compress(b"") * 900 + inner * 20
        assert (await made.ask(request(gzip.compress(padded), "gzip", line))).status == 400
        assert (await made.records.record(2))["reason"] == "inflate_ratio"


async def test_waits_for_an_invitation(plain: World) -> None:
    caller = await plain.call()
    head, _, body = request(coded(b"a=b", "gzip"), "gzip", b"Expect: 100-continue").partition(b"\r\n\r\n")
    caller.send(head + b"\r\n\r\n")
    assert await caller.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.send(body)
    assert (await caller.answer()).status == 200
    assert plain.inside.requests[0].body == b"a=b"


async def test_a_streaming_route_passes_on_what_is_decoded_so_far() -> None:
    async with world(routes=[Route("all", "web", stream=True)]) as made:
        made.inside.head_only = True

        async def watch(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        made.inside.usual = watch
        caller = await made.call()
        caller.send(request(coded(NOISE[:50_000], "compress"), "compress")[:-20_000])
        await made.inside.arrived(1)
        await made.inside.saw(NOISE[20_000:20_100])
        caller.reset()
        await made.inside.left()


async def test_high_bytes_of_a_target_go_inside_encoded(plain: World) -> None:
    assert (await plain.ask(get(b"/\xd1\x81?q=\xe9\xff%C3"))).status == 200
    assert plain.inside.requests[0].target == b"/%D1%81?q=%E9%FF%C3"
