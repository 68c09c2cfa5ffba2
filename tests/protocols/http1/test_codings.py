"""Lists of transfer codings, in every way that somebody may read differently, and bodies under them."""

from __future__ import annotations

import gzip
import itertools
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import HttpError
from revproxy.model import HttpLimits
from revproxy.protocols.http1 import CodedReader, RequestHead, parse_request, parse_response
from revproxy.protocols.http1.codings import transfer_codings

TESTS = Path(__file__).parents[2]
sys.path.insert(0, str(TESTS / "codecs"))

from coders import TRANSFER_CODERS, coded  # noqa: E402 - found where the line above says

LIMITS, RATIO = HttpLimits(), 100
TABLE = (TESTS / "data/http1/transfer-codings.tsv").read_text().split("\n")
CASES = [line.split("\t") for line in TABLE if line and not line.startswith("#")]
NAMES = st.lists(st.sampled_from(sorted(TRANSFER_CODERS)), min_size=1, max_size=4).map(",".join)


def head(value: str, *more: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    """A request whose Transfer-Encoding fields say `value`."""
    text = value.encode("latin-1").decode("unicode_escape").encode("latin-1")
    first, *others = text.split(b"\r\n")
    # One that begins with a space is the line before it, folded.
    lines = [b"Transfer-Encoding:" + first, *(b"Transfer-Encoding: " * (line[:1] != b" ") + line for line in others)]
    return b"\r\n".join([b"POST / " + version, b"Host: a", *more, *lines, b"", b""])


def outcome(data: bytes) -> str:
    try:
        parsed = parse_request(data, LIMITS)
    except HttpError as error:
        return str(error.status)
    assert parsed.chunked
    assert parsed.content_length is None
    return parsed.codings


@pytest.mark.parametrize(("expected", "why", "value"), CASES, ids=[case[1] for case in CASES])
def test_lists(expected: str, why: str, value: str) -> None:
    assert outcome(head(value)) == expected


@pytest.mark.parametrize(("expected", "why", "value"), CASES, ids=[case[1] for case in CASES])
def test_no_list_passes_beside_a_length_or_in_http_1_0(expected: str, why: str, value: str) -> None:
    assert outcome(head(value, b"Content-Length: 5")) == "400"
    assert outcome(head(value, b"Content-Length: 0")) == "400"
    assert outcome(head(value, version=b"HTTP/1.0")) == "400"


@pytest.mark.parametrize("value", [case[2] for case in CASES if not case[0].isdigit()])
def test_an_internal_server_may_use_none(value: str) -> None:
    with pytest.raises(HttpError, match="transfer-coding"):
        parse_response(head(value).replace(b"POST / HTTP/1.1", b"HTTP/1.1 200 OK"), LIMITS)


def test_lines_of_a_list_may_stand_apart() -> None:
    data = b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\nHost: a\r\nX: y\r\nTRANSFER-ENCODING: chunked\r\n\r\n"
    assert outcome(data) == "gzip"


@pytest.mark.parametrize("value", ["chunked", "Chunked", "CHUNKED"])
def test_chunked_alone_is_no_coding(value: str) -> None:
    assert outcome(head(value)) == ""


def test_a_head_without_a_body_has_none() -> None:
    parsed: RequestHead = parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", LIMITS)
    assert parsed.codings == ""


@given(st.lists(st.sampled_from([*map(str.encode, TRANSFER_CODERS), b"chunked", b"br", b"", b" ", b";a=b", b'"'])))
def test_what_passes_ends_in_chunked_and_is_known(members: list[bytes]) -> None:
    try:
        got = transfer_codings(b",".join(members))
    except HttpError as error:
        assert error.status in (400, 501)  # noqa: PT017 - either is right here
        return
    assert members[-1] == b"chunked"
    assert got.encode() == b",".join(members[:-1])
    assert b"chunked" not in members[:-1]


def decoded(codings: str, data: bytes, step: int = 1 << 30, ratio: int = RATIO) -> bytes:
    reader = CodedReader(codings, ratio)
    out = b"".join(piece for at in range(0, len(data), step) for piece in reader.pieces(data[at : at + step]))
    reader.finish()
    return out


@given(st.binary(max_size=600), NAMES, st.integers(1, 700))
def test_undoes_what_was_done(body: bytes, codings: str, step: int) -> None:
    assert decoded(codings, coded(body, codings), step) == body


def test_the_order_of_a_list_is_the_order_in_which_it_was_applied() -> None:
    packed = coded(b"hello", "gzip, deflate")
    assert decoded("gzip,deflate", packed) == b"hello"
    with pytest.raises(HttpError, match="transfer-coding-data"):
        decoded("deflate,gzip", packed)


@pytest.mark.parametrize("codings", [*TRANSFER_CODERS, "gzip,deflate", "compress,identity"])
def test_a_body_without_a_byte_is_empty(codings: str) -> None:
    assert decoded(codings, b"") == b""


@pytest.mark.parametrize("name", [name for name in TRANSFER_CODERS if name != "identity"])
def test_what_is_not_what_it_says_is_refused(name: str) -> None:
    body = b"hello, world: %b" % bytes(range(64))
    packed = coded(body, name)
    cut = () if "compress" in name else (packed[:-1], packed + b"x")
    others = [coded(body, other) for other in ("gzip", "deflate", "compress") if other not in name]
    raw_deflate = coded(body, "deflate")[2:-4]
    for data in (b"hello", b"\0", packed[:1], packed[1:], b"x" + packed, raw_deflate, *cut, *others):
        with pytest.raises(HttpError, match="transfer-coding-data") as caught:
            decoded(name, data)
        assert caught.value.status == 400
        with pytest.raises(HttpError, match="transfer-coding-data"):
            decoded(name, data, 1)


def test_an_empty_stage_is_refused_where_bytes_came() -> None:
    """The outer coding is whole and holds nothing: that is no gzip."""
    with pytest.raises(HttpError, match="transfer-coding-data"):
        decoded("gzip,deflate", coded(b"", "deflate"))


@pytest.mark.parametrize("name", [name for name in TRANSFER_CODERS if name != "identity"])
def test_a_bomb_is_refused_before_it_grows(name: str) -> None:
    bomb = coded(bytes(4_000_000), name)
    nested = coded(bomb, "gzip,deflate")
    tracemalloc.start()
    for codings, data in ((name, bomb), (f"{name},gzip,deflate", nested)):
        with pytest.raises(HttpError, match="inflate_ratio") as caught:
            decoded(codings, data)
        assert caught.value.status == 400
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_a_bomb_behind_much_that_is_none_comes_in_pieces() -> None:
    """The ratio allows it, so that the one who reads must be able to stop."""
    random = b"".join(b"%d" % number**9 for number in range(30_000))
    reader = CodedReader("gzip", RATIO)
    pieces = reader.pieces(gzip.compress(random) + gzip.compress(bytes(30_000_000)))
    assert max(len(piece) for piece in itertools.islice(pieces, 100)) <= 64 * 1024


@given(st.binary(max_size=300), NAMES)
def test_decodes_or_raises_its_one_error(data: bytes, codings: str) -> None:
    try:
        decoded(codings, data, ratio=10)
    except HttpError as error:
        assert error.status == 400  # noqa: PT017 - anything else than this is what is looked for
