"""What `compress` writes is read as it was; whatever else comes is read or is the one error."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from coders import CLEAR, compress_lzw
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.codecs.lzw import LzwDecoder
from revproxy.errors import ContentError

DATA = Path(__file__).parents[1] / "data/codecs/compress.tsv"
CASES = [line.split("\t") for line in DATA.read_text().split("\n") if line and not line.startswith("#")]


def decoded(data: bytes, step: int = 1 << 30) -> bytes:
    decoder = LzwDecoder()
    out = b"".join(piece for at in range(0, len(data), step) for piece in decoder.pieces(data[at : at + step]))
    if not decoder.complete:
        raise ContentError("bad_encoding")
    return out


def codes(*values: int, width: int = 9, flags: int = 0x90) -> bytes:
    """A stream of these codes, all of one width."""
    bits = sum(value << width * number for number, value in enumerate(values))
    return b"\x1f\x9d" + bytes((flags,)) + bits.to_bytes((width * len(values) + 7) // 8, "little")


TEXTS = st.one_of(
    st.binary(max_size=400),
    st.text("ab", max_size=3000).map(str.encode),
    st.tuples(st.binary(min_size=1, max_size=4), st.integers(0, 2000)).map(lambda drawn: drawn[0] * drawn[1]),
)


@given(TEXTS, st.integers(10, 16), st.booleans(), st.sampled_from([0, 259, 300, 513, 600]), st.integers(1, 700))
def test_reads_what_was_written_however_it_comes(
    data: bytes, widest: int, block: bool, clear_at: int, step: int
) -> None:
    assert decoded(compress_lzw(data, widest, block, clear_at), step) == data


@pytest.mark.parametrize("widest", range(10, 17))
@pytest.mark.parametrize("block", [True, False])
def test_every_width_up_to_a_full_table(widest: int, block: bool) -> None:
    data = b"".join(b"%x," % (number * number) for number in range(30_000))
    packed = compress_lzw(data, widest, block)
    assert decoded(packed) == decoded(packed, 1000) == data


@pytest.mark.skipif(not shutil.which("gzip"), reason="left out: there is no gzip to read .Z files with")
@settings(max_examples=25, deadline=None)
@given(TEXTS, st.integers(10, 16), st.booleans(), st.sampled_from([0, 300, 513]))
def test_gzip_reads_the_same(data: bytes, widest: int, block: bool, clear_at: int) -> None:
    packed = compress_lzw(data, widest, block, clear_at)
    read = subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=True, timeout=20).stdout
    assert read == decoded(packed) == data


@pytest.mark.skipif(
    not shutil.which("compress"), reason="left out: the program compress (ncompress) is not installed"
)
@settings(max_examples=25, deadline=None)
@given(TEXTS, st.integers(10, 16))
def test_reads_what_the_program_writes(data: bytes, widest: int) -> None:
    command = ["compress", "-c", "-f", "-b", str(widest)]
    assert decoded(subprocess.run(command, input=data, capture_output=True, check=True, timeout=20).stdout) == data


@pytest.mark.parametrize(("expected", "why", "data"), CASES, ids=[case[1] for case in CASES])
def test_streams(expected: str, why: str, data: str) -> None:
    for step in (1 << 30, 1):
        try:
            got = decoded(bytes.fromhex(data), step).decode()
        except ContentError as error:
            got = error.reason
        assert got == expected


def test_what_follows_the_last_code_fills_a_byte_with_zeros() -> None:
    packed = compress_lzw(b"abc")
    assert len(packed) == 3 + 4
    for bad in (packed[:-1], packed[:-1] + b"\x80"):
        with pytest.raises(ContentError, match="bad_encoding"):
            decoded(bad)


def test_it_may_end_within_padding() -> None:
    """Some writers fill the group at once, others with the next code. Without block mode the codes grow wider after
    257 of them, the first of a group."""
    data = bytes(range(256)) + b"\0"
    packed = compress_lzw(data, block=False)
    assert decoded(packed + b"\xaa" * (9 - 2)) == decoded(packed + b"\xaa") == decoded(packed) == data
    cleared = codes(97, CLEAR)
    assert decoded(cleared) == decoded(cleared + b"\xff" * (9 - 3)) == b"a"
    assert decoded(cleared + b"\xff" * (9 - 3) + codes(98)[3:]) == b"ab"


def test_a_bomb_comes_in_pieces() -> None:
    packed = compress_lzw(bytes(2_000_000))
    decoder, size = LzwDecoder(), 0
    tracemalloc.start()
    for piece in decoder.pieces(packed):
        assert len(piece) <= 64 * 1024 + 8 * 8 * 1024
        size += len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 2_000_000
    assert peak < 2_000_000


def test_the_table_is_bounded() -> None:
    decoder = LzwDecoder()
    for _ in decoder.pieces(compress_lzw(b"".join(b"%d " % (number**3) for number in range(50_000)))):
        assert len(decoder._links) == len(decoder._tails) <= 65_536


@settings(max_examples=400)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=300).map(lambda data: b"\x1f\x9d\x90" + data),
        st.lists(st.integers(0, 511), max_size=40).map(lambda values: codes(*values)),
        st.tuples(TEXTS, st.integers(0, 3000), st.integers(0, 255)).map(
            lambda drawn: compress_lzw(drawn[0])[: drawn[1]] + bytes((drawn[2],)) + compress_lzw(drawn[0])[drawn[1] :]
        ),
    ),
    st.integers(1, 50),
)
def test_reads_or_raises_its_one_error(data: bytes, step: int) -> None:
    outcomes = []
    for size in (step, 1 << 30):
        try:
            outcomes.append(decoded(data, size))
        except ContentError as error:
            assert error.reason == "bad_encoding"  # noqa: PT017 - both outcomes are compared below
            outcomes.append(b"refused")
    assert outcomes[0] == outcomes[1]
