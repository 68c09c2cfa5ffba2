"""Inflating under a budget."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib

from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.deflated import Inflation


def raw(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


def fresh(most: int = 1_000_000, ratio: int = 100) -> Inflation:
    return Inflation(most, ratio, set())


def test_a_sound_stream_has_no_flags() -> None:
    inflation = fresh()
    assert inflation.deflated(raw(b"hello")) == b"hello"
    assert inflation.gzip(gzip.compress(b"a") + gzip.compress(b"b") + bytes(9)) == b"ab"
    assert inflation.stored(b"x") == b"x"
    assert inflation.flags == set()


def test_what_follows_a_stream_is_malformed_unless_expected() -> None:
    inflation = fresh()
    assert inflation.deflated(raw(b"hello") + b"junk", whole=False) == b"hello"
    assert inflation.flags == set()
    assert inflation.deflated(raw(b"hello") + b"junk") == b"hello"
    assert inflation.flags == {b"malformed"}


def test_broken_streams_keep_what_came_out() -> None:
    for bad in (gzip.compress(b"x" * 1000)[:-8], gzip.compress(b"x" * 1000) + b"junk"):
        inflation = fresh()
        assert inflation.gzip(bad) == b"x" * 1000
        assert inflation.flags == {b"malformed"}
    inflation = fresh()
    assert inflation.gzip(b"no gzip") == b""
    assert inflation.flags == {b"malformed"}


def test_the_budget_is_for_all_together() -> None:
    inflation = fresh(most=1000)
    assert len(inflation.stored(bytes(600))) == 600
    assert len(inflation.deflated(raw(bytes(600)))) == 400
    assert len(inflation.stored(bytes(600))) == 0
    assert b"bomb" in inflation.flags


def test_the_ratio_is_for_each() -> None:
    inflation = fresh(most=1 << 30, ratio=10)
    assert len(inflation.deflated(raw(bytes(10_000_000)))) < 200_000
    assert b"bomb" in inflation.flags


def test_streams_that_give_nothing_end_too() -> None:
    inflation = fresh(most=1_000_000)
    empty_blocks = b"\x00\x00\x00\xff\xff" * 200_000
    for _ in range(100):
        assert inflation.deflated(empty_blocks) == b""
    assert b"bomb" in inflation.flags


def test_endless_members_end() -> None:
    inflation = fresh()
    inflation.gzip(gzip.compress(b"") * 1000)
    assert b"malformed" in inflation.flags


@given(st.binary(max_size=100))
def test_never_raises(data: bytes) -> None:
    inflation = fresh(most=1000, ratio=5)
    assert len(inflation.deflated(data)) + len(inflation.gzip(data)) + len(inflation.stored(data)) <= 1000
    inflation = fresh(most=1000, ratio=5)
    outs = (inflation.bzip2(data), inflation.xz(data), inflation.bzipped(data), inflation.lzma(data, ends=False))
    assert sum(map(len, outs)) <= 1000


def test_slow_formats_have_a_smaller_share_of_what_goes_in() -> None:
    inflation = fresh(most=1_000_000)
    stream = bz2.compress(random.Random(1).randbytes(100_000))
    made = [inflation.bzipped(stream) for _ in range(10)]
    # Two bytes in for each that may come out, and each of these counts as four.
    assert 300_000 <= sum(map(len, made)) <= 600_000
    assert inflation.flags == {b"bomb", b"malformed"}


def test_a_huge_dictionary_is_not_allocated() -> None:
    inflation = fresh()
    coder = lzma.LZMACompressor(lzma.FORMAT_ALONE)
    alone = coder.compress(b"hello") + coder.flush()
    member = b"\x09\x14\x05\x00" + alone[:1] + b"\xff\xff\xff\xff" + alone[13:]
    assert inflation.lzma(member, ends=True) == b"hello"
    assert inflation.flags == set()


def test_padding_of_streams() -> None:
    inflation = fresh()
    assert inflation.xz(lzma.compress(b"a") + bytes(8) + lzma.compress(b"b") + bytes(4)) == b"ab"
    assert inflation.bzip2(bz2.compress(b"a") + bytes(8)) == b"a"
    assert inflation.flags == set()
    assert inflation.xz(b"no xz") + inflation.bzip2(b"BZh9 no") == b""
    assert inflation.flags == {b"unreadable"}
