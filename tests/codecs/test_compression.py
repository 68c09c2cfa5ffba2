"""Content codings, their bounds and their refusals."""

from __future__ import annotations

import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from coders import TRANSFER_CODERS, coded
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.compression import ENCODINGS, TRANSFER, Inflater, inflate
from revproxy.errors import ContentError, LimitError

MOST, RATIO = 1_000_000, 100


def raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "identity": bytes,
}
WAYS = [*CODERS.items(), ("deflate", raw_deflate)]


def test_every_coding_is_here() -> None:
    assert set(CODERS) == ENCODINGS


@pytest.mark.parametrize(("name", "coder"), WAYS)
@given(data=st.binary(max_size=2000), cut=st.integers(0, 2100))
def test_decodes_however_it_comes(name: str, coder: Callable[[bytes], bytes], data: bytes, cut: int) -> None:
    coded = coder(data)
    inflater = Inflater(name, MOST, RATIO)
    got = inflater.feed(coded[:cut]) + inflater.feed(coded[cut:])
    inflater.finish()
    assert got == data == inflate(coded, name.upper(), MOST, RATIO)


def test_a_chain_is_undone_from_its_end() -> None:
    body = b"hello " * 100
    assert inflate(brotli.compress(gzip.compress(body)), "gzip, br", MOST, RATIO) == body
    assert inflate(gzip.compress(body), "identity,gzip", MOST, RATIO) == body


def test_several_gzip_members() -> None:
    assert inflate(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", MOST, RATIO) == b"ab"


def test_byte_by_byte() -> None:
    body = os.urandom(300) * 3
    for name, coder in WAYS:
        inflater = Inflater(name, MOST, RATIO)
        assert b"".join(inflater.feed(bytes((c,))) for c in coder(body)) == body
        inflater.finish()


def test_a_body_of_no_bytes_is_empty_in_any_coding() -> None:
    assert inflate(b"", "gzip", MOST, RATIO) == inflate(b"", "", MOST, RATIO) == b""


@pytest.mark.parametrize(
    "name", ["zstd", "compress", "gzip;q=1", "gzip,", "gzip, gzip, gzip, gzip", "ｇzip", "gzip br"]
)
def test_an_unknown_coding_is_refused(name: str) -> None:
    with pytest.raises(ContentError, match="bad_encoding"):
        inflate(b"x", name, MOST, RATIO)


@pytest.mark.parametrize(("name", "coder"), [w for w in WAYS if w[0] != "identity"])
def test_truncated_continued_and_broken_streams_are_refused(name: str, coder: Callable[[bytes], bytes]) -> None:
    coded = coder(os.urandom(100) + b"x" * 100)
    broken = coded[:20] + bytes(c ^ 0xFF for c in coded[20:60]) + coded[60:]
    for bad in (coded[:-1], coded[:5], coded[:1], coded + b"x", coded + coded[:4], b"\xff" * 50, broken):
        with pytest.raises(ContentError, match="bad_encoding"):
            inflate(bad, name, MOST, RATIO)


@pytest.mark.parametrize(("name", "coder"), [w for w in WAYS if w[0] != "identity"])
def test_a_bomb_is_refused_before_it_grows(name: str, coder: Callable[[bytes], bytes]) -> None:
    bomb = coder(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(LimitError, match="inflate_ratio"):
        inflate(bomb, name, 1 << 30, RATIO)
    with pytest.raises(LimitError, match="body_bytes"):
        inflate(bomb, name, 10_000, RATIO)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


def test_a_bomb_inside_a_chain_is_refused() -> None:
    bomb = gzip.compress(gzip.compress(bytes(100_000_000)))
    with pytest.raises(LimitError, match="inflate_ratio"):
        inflate(bomb, "gzip, gzip", 1 << 30, RATIO)


def test_identity_is_bounded_by_length_alone() -> None:
    assert len(inflate(bytes(200_000), "identity", 200_000, 1)) == 200_000
    with pytest.raises(LimitError, match="body_bytes"):
        inflate(bytes(10), "identity", 9, 1)


@pytest.mark.parametrize(("name", "coder"), WAYS)
def test_comes_in_small_pieces(name: str, coder: Callable[[bytes], bytes]) -> None:
    pieces = Inflater(name, 1 << 30, 1 << 20).pieces(coder(bytes(3_000_000)))
    sizes = [len(piece) for piece in pieces]
    assert sum(sizes) == 3_000_000
    assert max(sizes) <= 128 * 1024


def test_what_is_not_asked_for_is_not_made() -> None:
    """Whoever takes pieces may stop: the rest of a bomb stays what it weighs."""
    bomb = gzip.compress(gzip.compress(bytes(100_000_000)))
    tracemalloc.start()
    pieces = Inflater("gzip, gzip", 1 << 40, 1 << 20).pieces(bomb)
    assert sum(len(next(pieces)) for _ in range(20)) > 1_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def transferred(data: bytes, codings: str) -> bytes:
    inflater = Inflater(codings, MOST, RATIO, TRANSFER)
    out = inflater.feed(data)
    inflater.finish()
    return out


def test_codings_of_transfers_are_a_table_of_their_own() -> None:
    assert set(TRANSFER_CODERS) == TRANSFER.names
    for name in TRANSFER_CODERS:
        assert transferred(coded(b"hello", name), name.upper()) == b"hello"
    most = "gzip, compress, deflate, gzip"
    assert transferred(coded(b"hello", most), most) == b"hello"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("br", brotli.compress(b"hello")),
        ("deflate", raw_deflate(b"hello")),
        ("chunked", b"hello"),
        ("identity, identity, identity, identity, identity", b"hello"),
    ],
)
def test_what_a_transfer_may_not_be_coded_with(name: str, data: bytes) -> None:
    with pytest.raises(ContentError, match="bad_encoding"):
        transferred(data, name)


def test_exactly_the_most_is_taken() -> None:
    for name, coder in WAYS:
        assert len(inflate(coder(bytes(5000)), name, 5000, RATIO)) == 5000
        with pytest.raises(LimitError):
            inflate(coder(bytes(5001)), name, 5000, RATIO)


def test_thousands_of_members_are_refused() -> None:
    with pytest.raises(ContentError, match="bad_encoding"):
        inflate(gzip.compress(b"") * 5000, "gzip", MOST, RATIO)


@given(st.binary(max_size=300), st.sampled_from(sorted(ENCODINGS)))
def test_decodes_or_refuses(data: bytes, name: str) -> None:
    try:
        assert len(inflate(data, name, 1000, 10)) <= 1000
    except (ContentError, LimitError):
        pass
