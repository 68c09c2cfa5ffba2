from __future__ import annotations

import pytest

from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.errors import PatternError
from revproxy.detection.patterns.escapes import Reader, read_escape, read_set
from revproxy.detection.patterns.tree import Set


@pytest.mark.parametrize(
    ("text", "mask"),
    [(rb"\d", b.DIGIT), (rb"\S", b.ALL & ~b.SPACE), (rb"\e", 1 << 27), (rb"\x", 1), (rb"\N", b.ALL & ~b.NEWLINE)],
)
def test_escapes(text: bytes, mask: int) -> None:
    reader = Reader(text)
    reader.at = 1
    assert read_escape(reader, 0, fold=False) == Set(mask)
    assert not reader.more()


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (b"[a-c]", b"abc"),
        (rb"[\101\-]", b"A-"),
        (b"[a-]", b"a-"),
        (b"[[:digit:]-x]", b"0123456789-x"),
        (b"[-a]", b"-a"),
    ],
)
def test_sets(text: bytes, members: bytes) -> None:
    reader = Reader(text)
    reader.at = 1
    assert read_set(reader, 0, fold=False) == b.of(members)


def test_a_range_to_a_class_keeps_its_dash() -> None:
    reader = Reader(rb"[a-\d]")
    reader.at = 1
    assert read_set(reader, 0, fold=False) == b.of(b"a-") | b.DIGIT


def test_no_meaning_in_a_set() -> None:
    reader = Reader(rb"[\R]")
    reader.at = 1
    with pytest.raises(PatternError, match="no meaning in a set"):
        read_set(reader, 0, fold=False)
