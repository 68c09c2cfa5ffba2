"""Headers of messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.mimehead import field_words, fields_of, first, head_length, line_words, sender_of


def test_fields_are_unfolded() -> None:
    head = b"Subject: a\r\n b\r\n\tc\r\nX-Y : z\nFrom:d\rbroken"
    assert fields_of(head) == [(b"subject", b"a b\tc"), (b"x-y", b"z"), (b"from", b"d"), (b"broken", b"")]
    assert first(fields_of(head), b"from") == b"d"
    assert first([], b"from") == b""


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"", 0),
        (b"A: b", 4),
        (b"A: b\r\n\r\nx", 4),
        (b"A: b\n\nx", 4),
        (b"\r\nx", 0),
        (b"A: b\r\rx", 4),
        (b"A: b\r\n", 6),
    ],
)
def test_head_length(data: bytes, length: int) -> None:
    assert head_length(data) == length


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        (b"a@b.c", b"", b"a@b.c"),
        (b"<a@b.c>", b"", b"a@b.c"),
        (b"Ann B <a@b.c>", b"Ann B", b"a@b.c"),
        (b'"Ann \\"x\\" B" <a@b.c>', b'Ann "x" B', b"a@b.c"),
        (b"=?utf-8?q?Ann=20B?= <a@b.c>", b"Ann B", b"a@b.c"),
        (b'"boss@firm.example" <a@b.c>', b"boss@firm.example", b"a@b.c"),
        (b"<boss@x> <a@b.c>", b"<boss@x>", b"a@b.c"),
        (b"a@b.c (Ann B)", b"Ann B", b"a@b.c"),
        (b"", b"", b""),
        (b"Ann <a@b.c", b"Ann", b"a@b.c"),
    ],
)
def test_senders(value: bytes, name: bytes, address: bytes) -> None:
    assert sender_of(value) == (name, address)


def test_words_for_line_ends() -> None:
    assert line_words(b"a\r\nb\r\n") == line_words(b"a\nb\n") == set()
    assert line_words(b"a\r\nb\rc\nd\0") == {b"bare-cr", b"bare-lf", b"nul"}


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"Content-Type: text/plain; charset=utf-8", set()),
        (b"From: a\r\nFrom: b", {b"duplicate-header"}),
        (b"Content-Type: multipart/mixed; boundary=a; boundary=b", {b"duplicate-boundary"}),
        (b"Content-Disposition: attachment; filename=a; filename=b", {b"duplicate-parameter"}),
        (b'Content-Type: a/b; name="=?utf-8?q?a?="', {b"encoded-word-filename"}),
        (b"Content-Type: message/partial; id=1", {b"message-partial"}),
        (b"Content-Type: message/external-body; x=y", {b"message-external-body"}),
        (b"Content-Transfer-Encoding: base64 x", {b"unknown-encoding"}),
    ],
)
def test_words_for_fields(head: bytes, words: set[bytes]) -> None:
    assert field_words(fields_of(head)) == words


@given(st.binary(max_size=200))
def test_never_raises(data: bytes) -> None:
    field_words(fields_of(data[: head_length(data)]))
    sender_of(data)
    line_words(data)
