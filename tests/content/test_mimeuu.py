"""uuencoded blocks in text."""

from __future__ import annotations

import binascii
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.mimeuu import uu_files
from revproxy.errors import LimitError
from revproxy.model import ContentLimits

LIMITS = ContentLimits()


def block(name: bytes, content: bytes, end: bytes = b"\n") -> bytes:
    lines = [binascii.b2a_uu(content[at : at + 45]).rstrip(b"\n") for at in range(0, len(content), 45)]
    return end.join([b"begin 644 " + name, *lines, b"`", b"end", b""])


CONTENT = bytes(range(256)) * 3


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_blocks_among_text(end: bytes) -> None:
    text = b"Hello" + end + block(b"a b.exe", CONTENT, end) + b"and" + end + block(b"c", b"x", end) + b"Bye"
    assert uu_files([text], LIMITS) == [(b"a b.exe", CONTENT), (b"c", b"x")]


def test_blocks_that_do_not_end() -> None:
    whole = block(b"a", CONTENT)
    cut = whole[: whole.index(b"`\nend")]
    assert uu_files([cut], LIMITS) == [(b"a", CONTENT)]
    assert uu_files([cut + block(b"b", b"x")], LIMITS) == [(b"a", CONTENT), (b"b", b"x")]


def test_junk_between_lines_and_after_them_hides_nothing() -> None:
    lines = block(b"a", CONTENT).split(b"\n")
    assert uu_files([b"\n\xff\n".join(lines)], LIMITS) == [(b"a", CONTENT)]
    assert uu_files([lines[0] + b"\n" + lines[1] + b"!!!\nend"], LIMITS)[0][1] == CONTENT[:45]


def test_base64_blocks() -> None:
    text = b"begin-base64 644 a.exe\nTVqQ\nAAAA\n====\n"
    assert uu_files([text], LIMITS) == [(b"a.exe", b"MZ\x90\0\0\0")]


def test_prose_has_none() -> None:
    for text in (b"", b"begin with me", b" begin 644 a\n", b"we begin 644 a\nx", b"begin 9 a\n"):
        assert uu_files([text], LIMITS) == []


@pytest.mark.parametrize(
    "unit", [b"begin 644 a\n", b"begin ", b"\n", b"begin 644 a\n" + b"#\n" * 1000, b"begin 644 "]
)
def test_a_lot_of_anything_ends_soon(unit: bytes) -> None:
    before = time.process_time()
    try:
        uu_files([unit * (3_000_000 // len(unit))], LIMITS)
    except LimitError:
        pass
    assert time.process_time() - before < 3.0


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda b: b"begin 644 a\n" + b)))
def test_never_raises(data: bytes) -> None:
    uu_files([data], LIMITS)
