"""Chunked bodies: the table, every way to cut them, h11 as a second opinion, and linear time."""

import time
from pathlib import Path

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.errors import HttpError
from revproxy.model import HttpLimits
from revproxy.protocols.http1 import LAST_CHUNK, ChunkedReader, encode_chunk

LIMITS = HttpLimits()
FILE = Path(__file__).parents[2] / "data/http1/chunked.tsv"


def unescape(text: str) -> bytes:
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


CASES = [line.split("\t") for line in FILE.read_text().splitlines() if line and not line.startswith("#")]


def read(body: bytes, cuts: list[int] | None = None) -> tuple[str, bytes, bytes]:
    """(outcome, payload, rest) of a body fed in pieces that end at `cuts`."""
    reader = ChunkedReader(LIMITS)
    payload = b""
    at = 0
    for end in [*sorted(cuts or []), len(body)]:
        try:
            pieces = reader.feed(body[at:end])
        except HttpError as error:
            return ("refused" if error.status == 400 else "wrong status"), b"", b""
        assert all(pieces)
        payload += b"".join(pieces)
        at = max(at, end)
    return ("ok" if reader.done else "more"), payload, reader.rest


@pytest.mark.parametrize("case", CASES, ids=[case[1] for case in CASES])
def test_table(case: list[str]) -> None:
    outcome, _, body, payload = case
    raw, expected = unescape(body), unescape(payload)
    assert read(raw)[:2] == (outcome, expected)
    assert read(raw, list(range(len(raw))))[:2] == (outcome, expected)
    if outcome == "ok":
        assert read(raw + b"GET / HTTP/1.1")[2] == b"GET / HTTP/1.1"


MUTABLE = st.sampled_from([unescape(case[2]) for case in CASES])


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(MUTABLE) + draw(st.sampled_from([b"", b"0\r\n\r\n", b"GET /"])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        body[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"0", b";", b"\0", b"f"])
        )
    return bytes(body)


@settings(max_examples=300)
@given(damaged(), st.lists(st.integers(0, 80), max_size=8))
def test_any_cut_gives_the_same(body: bytes, cuts: list[int]) -> None:
    assert read(body, [cut for cut in cuts if cut <= len(body)]) == read(body)


@settings(max_examples=300)
@given(damaged())
def test_what_we_take_h11_reads_the_same(body: bytes) -> None:
    # Of trailers, which we drop, it reads the length that one of them tells, and wants a number there.
    body = body.replace(b"Content-Length:", b"Content-Longer:")
    outcome, payload, rest = read(body)
    if outcome != "ok":
        return
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    got = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert event is not h11.NEED_DATA
        if isinstance(event, h11.Data):
            got += event.data
    assert (got, connection.trailing_data[0]) == (payload, rest)


@given(st.lists(st.binary(max_size=50)))
def test_what_we_write_we_read(pieces: list[bytes]) -> None:
    body = b"".join(map(encode_chunk, pieces)) + LAST_CHUNK
    assert read(body) == ("ok", b"".join(pieces), b"")


@pytest.mark.parametrize(
    "body", [b"1" + b";" * 300, b"0\r\n" + b"A: b\r\n" * 2000, b"0\r\nA: " + b"b" * 9000, b"0" * 300]
)
def test_lines_and_trailers_are_bounded(body: bytes) -> None:
    assert read(body)[0] == "refused"
    assert read(body, list(range(len(body))))[0] == "refused"


def test_many_tiny_chunks_take_linear_time() -> None:
    body = b"1\r\nx\r\n" * 100_000 + LAST_CHUNK
    began = time.process_time()
    assert read(body)[1] == b"x" * 100_000
    assert time.process_time() - began < 2
