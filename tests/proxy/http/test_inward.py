"""The short way of a short body that is all there, and what does not go it."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest
from harness import Caller, chunked, get, limited, off, post, world

FORM = b"application/x-www-form-urlencoded"
OCTETS = b"application/octet-stream"
_UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n'
    b"Content-Type: text/plain\r\n\r\n%b\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("raw", "spools"),
    [
        (post(b"a=b"), 0),
        (post(b"a=" + b"b" * 16382), 0),
        (post(b"a=" + b"b" * 16383), 1),
        (post(b"b" * 16384, OCTETS), 0),
        (post(b"a=b", FORM, b"Expect: 100-continue"), 0),
        (chunked(b"a=b"), 1),
    ],
)
async def test_what_goes_the_short_way(tmp_path: Path, raw: bytes, spools: int) -> None:
    async with world(folder=str(tmp_path)) as made:
        caller = await made.call()
        assert (await caller.ask(raw)).status == 200
        assert len(made.spools) == spools
        if spools == 0:
            assert made.inside.requests[0].body == raw.partition(b"\r\n\r\n")[2]
        # What follows on the connection is the next request.
        assert (await caller.ask(get())).status == 200


async def test_a_body_that_is_not_all_there_is_waited_for(tmp_path: Path) -> None:
    async with world(folder=str(tmp_path)) as made:
        caller = await made.call()
        raw = post(b"a=b&c=d")
        caller.send(raw[:-3])
        await asyncio.sleep(0.05)
        assert made.inside.received == b""
        assert (await caller.ask(raw[-3:], b"POST")).status == 200
        assert (made.spools, made.inside.requests[0].body) == ([], b"a=b&c=d")


async def test_a_body_that_trickles_is_given_up(tmp_path: Path) -> None:
    """Each byte comes within the idle time, and all of them together take too long."""
    limits = limited(timeouts={"request_body_idle": 5.0, "request_body_total": 0.5})
    async with world(folder=str(tmp_path), limits=limits) as made:
        caller = await made.call()
        caller.send(post(b"a=" + b"b" * 100)[:-100])
        trickling = asyncio.ensure_future(_trickle(caller))
        assert (await caller.answer(b"POST")).status == 408
        trickling.cancel()
        assert (made.inside.received, made.memory.used) == (b"", 0)


async def _trickle(caller: Caller) -> None:
    for _ in range(99):
        caller.send(b"b")
        await asyncio.sleep(0.05)


async def test_a_client_that_leaves_within_a_body(tmp_path: Path) -> None:
    async with world(folder=str(tmp_path)) as made:
        caller = await made.call()
        caller.send(post(b"a=b&c=d")[:-3])
        await asyncio.sleep(0.05)
        caller.end()
        assert (await caller.answer(b"POST")).status == 400
        assert (await made.records.record())["reason"] == "client-gone"
        assert made.inside.received == b""


async def test_short_bodies_in_one_go(tmp_path: Path) -> None:
    async with world(folder=str(tmp_path)) as made:
        caller = await made.call()
        caller.send(b"".join(post(b"a=%d" % number) for number in range(5)))
        for _ in range(5):
            assert (await caller.answer(b"POST")).status == 200
        assert [asked.body for asked in made.inside.requests] == [b"a=%d" % number for number in range(5)]
        assert made.spools == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (post(b"a=attack-1"), 403),
        (post(b"a=attack-1", OCTETS), 403),
        (post(b"attack-1" * 2000, OCTETS), 403),
        (post(_UPLOAD % b"attack-1", b"multipart/form-data; boundary=b"), 403),
        (post(_UPLOAD % b"clean", b"multipart/form-data; boundary=b"), 200),
        (post(b'{"a": "attack-1"}', b"application/json"), 403),
        (post(b'{"a": ', b"application/json"), 403),
        (post(gzip.compress(b"a=attack-1"), FORM, b"Content-Encoding: gzip"), 403),
        (post(gzip.compress(b"a=b&" * 10_000 + b"a=attack-1"), FORM, b"Content-Encoding: gzip"), 413),
        (post(gzip.compress(b"a=" + b"b" * 50_000 + b"&a=attack-1"), FORM, b"Content-Encoding: gzip"), 403),
        (post(b"no gzip", FORM, b"Content-Encoding: gzip"), 415),
        (post(b"a=b", FORM, b"Content-Encoding: rot13"), 415),
        (post(b"&" * 15_000), 413),
    ],
)
async def test_is_judged_like_any_other(raw: bytes, status: int) -> None:
    async with world() as made:
        assert (await made.ask(raw)).status == status
        assert made.spools == []
        assert bool(made.inside.received) is (status == 200)
        assert (await made.records.record())["bytes_in"] == len(raw)


@pytest.mark.parametrize(("room", "spools"), [(9, 0), (8, 1)])
async def test_without_room_it_goes_the_long_way(tmp_path: Path, room: int, spools: int) -> None:
    """Three bytes are counted three times."""
    async with world(folder=str(tmp_path), limits=limited(caps={"memory_bytes": room})) as made:
        assert (await made.ask(post(b"a=b"))).status == 200
        assert len(made.spools) == spools


async def test_where_inspection_is_off() -> None:
    async with world(routes=[off()]) as made:
        assert (await made.ask(post(b"a=attack-1"))).status == 200
        assert made.spools == []


async def test_more_than_the_route_takes() -> None:
    async with world(limits=limited(http={"body_bytes": 3})) as made:
        assert (await made.ask(post(b"a=b"))).status == 200
        assert (await made.ask(post(b"a=bc"))).status == 413
        assert len(made.inside.requests) == 1
