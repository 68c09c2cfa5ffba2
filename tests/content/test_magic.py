"""First bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.magic import READABLE_ARCHIVES, UNREADABLE_ARCHIVES, magic

CASES = [
    (b"MZ\x90\x00", b"pe"),
    (b"\x7fELF\x02", b"elf"),
    (b"PK\x03\x04...", b"zip"),
    (b"PK\x05\x06" + bytes(18), b"zip"),
    (b"%PDF-1.7", b"pdf"),
    (b"\r\njunk%PDF-1.7", b"pdf"),
    (b"x" * 1024 + b"%PDF-", b"pdf"),
    (b"x" * 2000 + b"%PDF-", b""),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"ole"),
    (b"#!/bin/sh", b"script"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", b"lnk"),
    (b"Rar!\x1a\x07\x01\x00", b"rar"),
    (b"7z\xbc\xaf\x27\x1c", b"7z"),
    (b"MSCF\x00", b"cab"),
    (bytes(0x8001) + b"CD001", b"iso"),
    (bytes(257) + b"ustar\x00", b"tar"),
    (b"\x1f\x8b\x08", b"gzip"),
    (b"BZh9", b"bzip2"),
    (b"{\\rtf1", b"rtf"),
    (b"\xef\xbb\xbf  <?PHP echo", b"php"),
    (b"\n<HTML>", b"html"),
    (b"<svg xmlns", b"svg"),
    (b"hello", b""),
    (b"", b""),
]


@pytest.mark.parametrize(("data", "answer"), CASES)
def test_table(data: bytes, answer: bytes) -> None:
    assert magic(data) == answer


def test_archives_are_of_one_kind() -> None:
    assert not READABLE_ARCHIVES & UNREADABLE_ARCHIVES


@given(st.binary(max_size=600))
def test_answers_a_word_for_anything(data: bytes) -> None:
    assert magic(data).isascii()
