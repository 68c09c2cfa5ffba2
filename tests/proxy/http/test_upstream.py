"""An answer's body read whole, and which connections serve another request after it."""

from __future__ import annotations

import asyncio

import pytest
from harness import ok

from revproxy.config.settings import Address, Upstream
from revproxy.model import Limits
from revproxy.net import DirectDialer, Pool, Stream
from revproxy.protocols.http1 import Framing, body_framing, parse_response
from revproxy.proxy.http.forward import read
from revproxy.proxy.http.upstream import Answer

HEAD = b"HTTP/1.1 200 OK\r\n"
COUNTED = HEAD + b"Content-Length: 5\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LIMITS = Limits()


class Line(asyncio.Transport):
    """A connection that is up."""

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


def answered(raw: bytes, method: bytes = b"GET") -> tuple[Answer, Stream, Pool]:
    """An answer on the only connection of a pool; what follows its head has come already."""
    upstream = Upstream("web", Address("127.0.0.1", 1))
    pool = Pool(upstream, DirectDialer([upstream]), LIMITS.timeouts)
    pool.total = 1
    stream = Stream(asyncio.get_running_loop())
    stream.connection_made(Line())
    head, end, rest = raw.partition(b"\r\n\r\n")
    if rest:
        stream.data_received(rest)
    parsed = parse_response(head + end, LIMITS.http)
    return Answer(parsed, body_framing(parsed, method), stream, pool, LIMITS.http, 0.3), stream, pool


async def body(answer: Answer) -> bytes:
    pieces = []
    while piece := await read(answer):
        pieces.append(piece)
    return b"".join(pieces)


KEPT = {
    "counted": (ok(b"hello"), b"GET", b"hello"),
    "counted, nothing": (ok(b""), b"GET", b""),
    "chunked": (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"GET", b"hello"),
    "chunked, with a trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n\r\n", b"GET", b"hello"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"GET", b""),
    "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", b"GET", b""),
    "HEAD": (HEAD + b"\r\n", b"HEAD", b""),
    "HTTP/1.0 that keeps alive": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        b"GET",
        b"hello",
    ),
}
NOT_KEPT = {
    # A server that sends the body all the same would answer the next request with it.
    "HEAD with a length": (COUNTED, b"HEAD", b""),
    "HEAD with chunks": (CHUNKED, b"HEAD", b""),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"GET", b""),
    "204 with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"GET", b""),
    "more than was counted": (ok(b"hello") + b"x", b"GET", b"hello"),
    "more than nothing": (ok(b"") + b"x", b"GET", b""),
    "more behind the last chunk": (CHUNKED + b"5\r\nhello\r\n0\r\n\r\nx", b"GET", b"hello"),
    "the server closes": (ok(b"hello", b"text/plain", b"Connection: close"), b"GET", b"hello"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"GET", b"hello"),
}


@pytest.mark.parametrize("case", [*KEPT, *NOT_KEPT])
async def test_what_is_read_to_its_end(case: str) -> None:
    raw, method, expected = {**KEPT, **NOT_KEPT}[case]
    answer, stream, pool = answered(raw, method)
    assert await body(answer) == expected
    answer.close()
    assert (pool.idle, pool.total, stream.closing) == ((1, 1, False) if case in KEPT else (0, 0, True))


async def test_an_answer_that_ends_with_its_connection() -> None:
    answer, stream, pool = answered(HEAD + b"\r\nhello")
    stream.eof_received()
    assert (answer.framing, answer.length, answer.whole()) == (Framing.CLOSE, None, None)
    assert await body(answer) == b"hello"
    answer.close()
    assert (pool.idle, pool.total) == (0, 0)


@pytest.mark.parametrize("raw", [ok(b"hello"), CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"])
async def test_what_was_not_read_leaves_nothing_to_use(raw: bytes) -> None:
    answer, _, pool = answered(raw)
    answer.close()
    assert (pool.idle, pool.total) == (0, 0)


@pytest.mark.parametrize("raw", [COUNTED + b"hel", CHUNKED + b"5\r\nhel", CHUNKED + b"3\r\nhel\r\n"])
async def test_what_was_read_in_part_leaves_nothing_to_use(raw: bytes) -> None:
    """Although nothing of the rest has come yet."""
    answer, stream, pool = answered(raw)
    assert await read(answer) == b"hel"
    assert stream.buffered == 0
    answer.close()
    assert (pool.idle, pool.total) == (0, 0)


async def test_an_answer_that_was_thrown_away_is_not_given_back() -> None:
    """It is given once, whoever comes first."""
    answer, _, pool = answered(ok(b"hello"))
    assert answer.whole() == b"hello"
    answer.abort()
    answer.close()
    assert (pool.idle, pool.total) == (0, 0)
    answer, _, pool = answered(ok(b"hello"))
    assert answer.whole() == b"hello"
    answer.close()
    answer.close()
    assert (pool.idle, pool.total) == (1, 1)


@pytest.mark.parametrize(
    ("raw", "method", "length", "whole"),
    [
        (ok(b"hello"), b"GET", 5, b"hello"),
        (ok(b"hello") + b"x", b"GET", 5, b"hello"),
        (COUNTED + b"hell", b"GET", 5, None),
        (COUNTED, b"GET", 5, None),
        (ok(b""), b"GET", 0, b""),
        (COUNTED, b"HEAD", 0, b""),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"GET", None, None),
        (HEAD + b"\r\nhello", b"GET", None, None),
    ],
)
async def test_whole_is_all_or_nothing(raw: bytes, method: bytes, length: int | None, whole: bytes | None) -> None:
    answer, stream, _ = answered(raw, method)
    before = stream.buffered
    assert (answer.length, answer.whole()) == (length, whole)
    assert stream.buffered == before - len(whole or b"")
    assert answer.left == (5 if whole is None and length else 0)
    answer.close()
