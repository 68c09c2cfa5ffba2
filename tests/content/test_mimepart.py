"""Leaves and their names."""

from __future__ import annotations

import pytest

from revproxy.content.mimepart import Leaf, all_names, charset_of


@pytest.mark.parametrize(
    ("value", "charset"),
    [
        (b"text/plain; charset=utf-8", b"utf-8"),
        (b'text/plain; Charset = "ISO-8859-1"; x=y', b"ISO-8859-1"),
        (b"text/plain; charset*=us-ascii", b"us-ascii"),
        (b"text/plain", b""),
        (b"text/plain; charset=", b""),
    ],
)
def test_charset(value: bytes, charset: bytes) -> None:
    assert charset_of(value) == charset


def test_names_are_listed_decoded_and_as_they_are() -> None:
    assert all_names(b"a", b"", b"a") == (b"a",)
    assert all_names(b"=?utf-8?q?b?=") == (b"b", b"=?utf-8?q?b?=")
    assert all_names() == ()


def test_text() -> None:
    assert Leaf(b"text/html", (), b"", b"").is_text
    assert not Leaf(b"application/pdf", (), b"", b"").is_text
