"""Bodies that are read in one piece."""

from __future__ import annotations

import pytest

from revproxy.content.whole import Whole
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits


class Kept(Whole):
    """Keeps what it reads."""

    got: list[bytes]

    def read(self, data: bytes) -> None:
        self.got.append(data)


def kept(*pieces: bytes) -> list[bytes]:
    reader = Kept(ContentLimits(structured_bytes=4), None)
    reader.got = []
    for piece in pieces:
        reader.feed(piece)
    reader.finish()
    return reader.got


def test_pieces_are_read_once_and_together() -> None:
    assert kept(b"ab", b"", b"cd") == [b"abcd"]
    assert kept(b"abcd") == [b"abcd"]


def test_a_body_of_no_bytes_is_not_read() -> None:
    assert kept() == kept(b"") == []


def test_more_than_the_limit_is_refused() -> None:
    with pytest.raises(LimitError, match="structured_bytes"):
        kept(b"abcd", b"e")


def test_what_could_not_be_read_is_handed_over() -> None:
    class Broken(Whole):
        def read(self, data: bytes) -> None:
            raise ContentError("x")

    reader = Broken(ContentLimits(), None)
    reader.feed(b"ab")
    reader.feed(b"cd")
    with pytest.raises(ContentError):
        reader.finish()
    assert reader.unread() == b"abcd"
    assert reader.unread() == b""
